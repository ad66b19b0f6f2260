// Writes what Custody's reader of Kubernetes bodies rests on, with Kubernetes' own types and encoders:
//
//	cd test/kubernetes/bed && go run ../../vectors/kubernetes/bodies/make/*.go tables > ../../../core/protocols/kubernetes/bodies/protobuf/tables.json
//	cd test/kubernetes/bed && go run ../../vectors/kubernetes/bodies/make/*.go vectors ../../vectors/kubernetes/bodies
//
// and then npm run format.
package main

import (
	"fmt"
	"os"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	aggregation "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	metrics "k8s.io/metrics/pkg/apis/metrics/v1beta1"
)

func everything() *runtime.Scheme {
	all := runtime.NewScheme()
	utilruntime.Must(scheme.AddToScheme(all))
	utilruntime.Must(apiextensions.AddToScheme(all))
	utilruntime.Must(aggregation.AddToScheme(all))
	utilruntime.Must(metrics.AddToScheme(all))
	utilruntime.Must(metav1.AddMetaToScheme(all))
	return all
}

func main() {
	switch {
	case len(os.Args) == 2 && os.Args[1] == "tables":
		writeTables(os.Stdout, everything())
	case len(os.Args) == 3 && os.Args[1] == "vectors":
		writeVectors(os.Args[2], everything())
		writeSecrets(os.Args[2], everything())
	default:
		fmt.Fprintln(os.Stderr, "make tables | make vectors FOLDER")
		os.Exit(2)
	}
}

package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math/rand"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strings"
	"time"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/cbor"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"
)

type vector struct {
	Kind     string          `json:"kind"`
	JSON     json.RawMessage `json:"json"`
	Protobuf string          `json:"protobuf"`
	CBOR     string          `json:"cbor,omitempty"`
	YAML     string          `json:"yaml,omitempty"`
}

// All forms of these are kept; of the others JSON and protobuf.
var inAllForms = map[string]bool{
	"v1 Pod": true, "v1 Secret": true, "v1 SecretList": true, "v1 ConfigMap": true, "v1 Status": true, "apps/v1 Deployment": true,
	"batch/v1 CronJob": true, "coordination.k8s.io/v1 Lease": true, "apiextensions.k8s.io/v1 CustomResourceDefinition": true,
	"v1 DeleteOptions": true, "autoscaling/v1 Scale": true, "v1 Service": true, "v1 Event": true,
}

// One object of each kind that is neither alpha nor beta, random and the same each time.
func writeVectors(folder string, scheme *runtime.Scheme) {
	kinds := []schema.GroupVersionKind{}
	for kind, goType := range scheme.AllKnownTypes() {
		if kind.Version == runtime.APIVersionInternal || strings.Contains(kind.Version, "alpha") || strings.Contains(kind.Version, "beta") {
			continue
		}
		isOptions := strings.HasSuffix(kind.Kind, "Options") || kind.Kind == "WatchEvent"
		if isProtobuf(goType) && !(isOptions && kind.Group != "") && kind.Kind != "WatchEvent" {
			kinds = append(kinds, kind)
		}
	}
	sort.Slice(kinds, func(a, b int) bool { return kinds[a].String() < kinds[b].String() })
	binary := protobuf.NewSerializer(scheme, scheme)
	concise := cbor.NewSerializer(scheme, scheme)
	var lines bytes.Buffer
	for at, kind := range kinds {
		name := kind.GroupVersion().String() + " " + kind.Kind
		object, err := scheme.New(kind)
		must(err)
		fill(rand.New(rand.NewSource(int64(at))), reflect.ValueOf(object).Elem(), 0)
		object.GetObjectKind().SetGroupVersionKind(kind)
		text, err := json.Marshal(object)
		must(err)
		made := vector{Kind: name, JSON: text, Protobuf: encoded(binary, object)}
		if inAllForms[name] {
			made.CBOR = encoded(concise, object)
			plain, err := yaml.Marshal(object)
			must(err)
			made.YAML = string(plain)
		}
		line, err := json.Marshal(made)
		must(err)
		lines.Write(line)
		lines.WriteByte('\n')
	}
	must(os.WriteFile(filepath.Join(folder, "objects.jsonl"), lines.Bytes(), 0o644))
}

func encoded(encoder runtime.Encoder, object runtime.Object) string {
	var to bytes.Buffer
	must(encoder.Encode(object, &to))
	return base64.StdEncoding.EncodeToString(to.Bytes())
}

const deepest = 12

// Below some depth only what is nothing: the vectors are to be read, and schemas contain schemas.
func fill(random *rand.Rand, value reflect.Value, depth int) {
	switch special := value.Addr().Interface().(type) {
	case *metav1.Time:
		*special = metav1.Unix(random.Int63n(4_000_000_000), 0)
		return
	case *metav1.MicroTime:
		*special = metav1.NewMicroTime(time.Unix(random.Int63n(4_000_000_000), random.Int63n(1_000_000)*1000))
		return
	case *metav1.Duration:
		*special = metav1.Duration{Duration: time.Duration(random.Int63n(1 << uint(1+random.Intn(50))))}
		return
	case *metav1.FieldsV1:
		*special = *metav1.NewFieldsV1(`{"f:spec":{"f:replicas":{}}}`)
		return
	case *resource.Quantity:
		*special = resource.MustParse([]string{"1", "100m", "2Gi", "1e3", "0", "-5", "1500Mi"}[random.Intn(7)])
		// Its JSON form is kept in it, as it is where a quantity came from JSON.
		_ = special.String()
		return
	case *intstr.IntOrString:
		*special = []intstr.IntOrString{intstr.FromInt32(-3), intstr.FromInt32(8080), intstr.FromString("25%")}[random.Intn(3)]
		return
	case *runtime.RawExtension:
		special.Raw = []byte(`{"apiVersion":"v1","kind":"ConfigMap","data":{"a":"b"}}`)
		return
	case *apiextensions.JSON:
		special.Raw = []byte([]string{`{"a":[1,2.5,null]}`, `"text"`, `false`}[random.Intn(3)])
		return
	case *apiextensions.JSONSchemaPropsOrBool:
		special.Allows = true
		special.Schema = &apiextensions.JSONSchemaProps{Type: "string"}
		if random.Intn(2) == 0 {
			special.Schema = nil
		}
		return
	case *apiextensions.JSONSchemaPropsOrArray:
		special.Schema = &apiextensions.JSONSchemaProps{Type: "integer"}
		return
	case *apiextensions.JSONSchemaPropsOrStringArray:
		special.Property = []string{"a", "b"}
		return
	}
	more := depth < deepest && random.Intn(depth+3) < 3
	switch value.Kind() {
	case reflect.String:
		if random.Intn(5) > 0 {
			value.SetString([]string{"a", "Grüße", "x/y", "no", "07", "\U0001F600", "a\nb: c", "\"'"}[random.Intn(8)])
		}
	case reflect.Bool:
		value.SetBool(random.Intn(2) == 0)
	case reflect.Int32:
		value.SetInt([]int64{0, 1, -1, 300, 1<<31 - 1, -1 << 31}[random.Intn(6)])
	case reflect.Int64, reflect.Int:
		value.SetInt([]int64{0, 1, -1, 300, 1 << 40, -1 << 50}[random.Intn(6)])
	case reflect.Float64:
		value.SetFloat([]float64{0, 1.5, -2e100}[random.Intn(3)])
	case reflect.Pointer:
		if more {
			value.Set(reflect.New(value.Type().Elem()))
			fill(random, value.Elem(), depth+1)
		}
	case reflect.Slice:
		if value.Type().Elem().Kind() == reflect.Uint8 {
			bytes := make([]byte, random.Intn(8))
			random.Read(bytes)
			value.SetBytes(bytes)
		} else if more {
			value.Set(reflect.MakeSlice(value.Type(), 1+random.Intn(2), 2))
			for at := range value.Len() {
				fill(random, value.Index(at), depth+1)
			}
		}
	case reflect.Map:
		if more {
			value.Set(reflect.MakeMap(value.Type()))
			for _, name := range []string{"k", "example.com/l", "1"}[:1+random.Intn(3)] {
				element := reflect.New(value.Type().Elem())
				fill(random, element.Elem(), depth+1)
				value.SetMapIndex(reflect.ValueOf(name).Convert(value.Type().Key()), element.Elem())
			}
		}
	case reflect.Struct:
		for at := range value.NumField() {
			if field := value.Type().Field(at); field.IsExported() && field.Name != "TypeMeta" {
				fill(random, value.Field(at), depth+1)
			}
		}
	}
}

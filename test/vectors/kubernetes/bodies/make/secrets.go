package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"

	authentication "k8s.io/api/authentication/v1"
	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/runtime/serializer/cbor"
	"k8s.io/apimachinery/pkg/runtime/serializer/streaming"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	restwatch "k8s.io/client-go/rest/watch"
)

// In every place of a secret that may hold something secret.
const marker = "MARKER-of-a-secret-0123456789"

type secretBody struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Body string `json:"body"`
}

func secret() *core.Secret {
	return &core.Secret{
		TypeMeta: metav1.TypeMeta{Kind: "Secret", APIVersion: "v1"},
		ObjectMeta: metav1.ObjectMeta{
			Name: "db", Namespace: "dev", UID: types.UID("u1"), ResourceVersion: "7", Labels: map[string]string{"app": "web"},
			Annotations: map[string]string{
				"kubectl.kubernetes.io/last-applied-configuration": `{"data":{"password":"` + base64.StdEncoding.EncodeToString([]byte(marker)) + `"}}`,
				"other/copy": marker,
			},
			ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kubectl", Operation: "Apply", FieldsV1: metav1.NewFieldsV1(`{"f:data":{"v:\"` + marker + `\"":{}}}`)}},
		},
		Type:       "Opaque",
		Data:       map[string][]byte{"password": []byte(marker), "other": []byte("x" + marker)},
		StringData: map[string]string{"text": marker},
	}
}

func writeSecrets(folder string, scheme *runtime.Scheme) {
	bodies := []secretBody{}
	codecs := serializer.NewCodecFactory(scheme, serializer.WithSerializer(cbor.NewSerializerInfo))
	list := &core.SecretList{TypeMeta: metav1.TypeMeta{Kind: "SecretList", APIVersion: "v1"}, ListMeta: metav1.ListMeta{ResourceVersion: "9", Continue: "more"}, Items: []core.Secret{*secret(), *secret()}}
	for at := range list.Items {
		list.Items[at].TypeMeta = metav1.TypeMeta{}
	}
	refused := &metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure", Reason: "BadRequest", Code: 400, Message: "cannot read " + marker,
		Details: &metav1.StatusDetails{Name: "db", Kind: "secrets", Causes: []metav1.StatusCause{{Type: "FieldValueInvalid", Field: "data[password]", Message: "Invalid value: " + marker}}}}
	token := &authentication.TokenRequest{TypeMeta: metav1.TypeMeta{Kind: "TokenRequest", APIVersion: "authentication.k8s.io/v1"},
		Spec: authentication.TokenRequestSpec{Audiences: []string{"api"}}, Status: authentication.TokenRequestStatus{Token: marker, ExpirationTimestamp: metav1.Unix(1_800_000_000, 0)}}
	mixed := &metav1.List{TypeMeta: metav1.TypeMeta{Kind: "List", APIVersion: "v1"}}
	for _, info := range codecs.SupportedMediaTypes() {
		mixed.Items = []runtime.RawExtension{{Raw: encode(info.Serializer, secret())}}
		add := func(name string, object runtime.Object) {
			bodies = append(bodies, secretBody{name, info.MediaType, base64.StdEncoding.EncodeToString(encode(info.Serializer, object))})
		}
		add("secret", secret())
		add("list", list)
		add("status", refused)
		add("token", token)
		if info.MediaType != "application/yaml" && info.MediaType != "application/cbor" {
			add("mixed list", mixed)
		}
		if info.StreamSerializer != nil {
			bodies = append(bodies, secretBody{"watch", streamType(info.MediaType), base64.StdEncoding.EncodeToString(events(info, secret(), refused))})
		}
	}
	var lines bytes.Buffer
	for _, body := range bodies {
		line, err := json.Marshal(body)
		must(err)
		lines.Write(line)
		lines.WriteByte('\n')
	}
	must(os.WriteFile(filepath.Join(folder, "secrets.jsonl"), lines.Bytes(), 0o644))
}

func streamType(mediaType string) string {
	if mediaType == "application/cbor" {
		return "application/cbor-seq"
	}
	return mediaType + ";stream=watch"
}

func encode(encoder runtime.Encoder, object runtime.Object) []byte {
	var to bytes.Buffer
	must(encoder.Encode(object, &to))
	return to.Bytes()
}

func events(info runtime.SerializerInfo, object runtime.Object, refused runtime.Object) []byte {
	var to bytes.Buffer
	framed := info.StreamSerializer.Framer.NewFrameWriter(&to)
	for _, event := range []watch.Event{{Type: watch.Added, Object: object}, {Type: watch.Modified, Object: object}, {Type: watch.Error, Object: refused}} {
		encoder := streaming.NewEncoder(framed, info.StreamSerializer.Serializer)
		must(restwatch.NewEncoder(encoder, info.Serializer).Encode(&event))
	}
	return to.Bytes()
}

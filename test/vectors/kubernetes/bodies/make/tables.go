package main

import (
	"encoding/json"
	"io"
	"log"
	"reflect"
	"sort"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
)

// What has a JSON form of its own; the reader knows each by this name.
var special = map[string]string{
	"k8s.io/apimachinery/pkg/apis/meta/v1.Time":                                             "Time",
	"k8s.io/apimachinery/pkg/apis/meta/v1.MicroTime":                                        "MicroTime",
	"k8s.io/apimachinery/pkg/apis/meta/v1.Duration":                                         "Duration",
	"k8s.io/apimachinery/pkg/apis/meta/v1.FieldsV1":                                         "Json",
	"k8s.io/apimachinery/pkg/api/resource.Quantity":                                         "Quantity",
	"k8s.io/apimachinery/pkg/util/intstr.IntOrString":                                       "IntOrString",
	"k8s.io/apimachinery/pkg/runtime.RawExtension":                                          "Raw",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSON":                         "Json",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrArray":       "SchemaOrArray",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrBool":        "SchemaOrBool",
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrStringArray": "SchemaOrStrings",
}

type tables struct {
	// apiVersion, kind, number of the message.
	Kinds map[string]map[string]int `json:"kinds"`
	// Fields: "number name type", a "?" behind the type where JSON leaves its zero value out. "-" for a name: its fields are the object's own.
	Messages [][]string `json:"messages"`
	numbers  map[reflect.Type]int
}

func writeTables(out io.Writer, scheme *runtime.Scheme) {
	made := &tables{Kinds: map[string]map[string]int{}, numbers: map[reflect.Type]int{}}
	known := scheme.AllKnownTypes()
	kinds := make([]string, 0, len(known))
	byName := map[string]reflect.Type{}
	for kind, goType := range known {
		// Objects of no version, and options of calls that stand in each group, are in the group "".
		if kind.Version == runtime.APIVersionInternal {
			continue
		}
		name := kind.GroupVersion().String() + " " + kind.Kind
		kinds = append(kinds, name)
		byName[name] = goType
	}
	sort.Strings(kinds)
	for _, name := range kinds {
		version, kind, _ := strings.Cut(name, " ")
		if !isProtobuf(byName[name]) {
			continue
		}
		if made.Kinds[version] == nil {
			made.Kinds[version] = map[string]int{}
		}
		made.Kinds[version][kind] = made.message(byName[name])
	}
	// Message 0 and on in the order in which they were met. One line each: a diff of the file can be read.
	text, err := json.Marshal(made.Kinds)
	must(err)
	_, err = out.Write([]byte("{\n\"kinds\": " + string(text) + ",\n\"messages\": [\n"))
	must(err)
	for at, fields := range made.Messages {
		line, err := json.Marshal(fields)
		must(err)
		end := ",\n"
		if at == len(made.Messages)-1 {
			end = "\n]\n}\n"
		}
		_, err = out.Write([]byte(string(line) + end))
		must(err)
	}
}

func isProtobuf(goType reflect.Type) bool {
	_, marshals := reflect.PointerTo(goType).MethodByName("Marshal")
	return marshals
}

func (made *tables) message(goType reflect.Type) int {
	if number, known := made.numbers[goType]; known {
		return number
	}
	number := len(made.Messages)
	made.numbers[goType] = number
	made.Messages = append(made.Messages, nil)
	fields := []string{}
	for at := range goType.NumField() {
		if text := made.field(goType, goType.Field(at)); text != "" {
			fields = append(fields, text)
		}
	}
	made.Messages[number] = fields
	return number
}

func (made *tables) field(owner reflect.Type, field reflect.StructField) string {
	tag := field.Tag.Get("protobuf")
	if tag == "" || tag == "-" {
		return ""
	}
	parts := strings.Split(tag, ",")
	name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
	if strings.Contains(options, "inline") || name == "" && field.Anonymous {
		name = "-"
	} else if name == "-" || name == "" {
		log.Fatalf("%s.%s has no name in JSON", owner, field.Name)
	}
	said := made.typeOf(field.Type)
	if field.Type.Kind() != reflect.Pointer && (strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero")) {
		said += "?"
	}
	return parts[1] + " " + name + " " + said
}

// s string, b bool, n int32, i int64, d double, B bytes, number of a message, name of a special one, [T repeated, {T map with string keys, ~T list in a message of its own.
func (made *tables) typeOf(goType reflect.Type) string {
	if goType.Kind() == reflect.Pointer {
		return made.typeOf(goType.Elem())
	}
	if name, known := special[goType.PkgPath()+"."+goType.Name()]; known {
		return name
	}
	switch goType.Kind() {
	case reflect.String:
		return "s"
	case reflect.Bool:
		return "b"
	case reflect.Int32:
		return "n"
	case reflect.Int64, reflect.Int:
		return "i"
	case reflect.Float64:
		return "d"
	case reflect.Struct:
		if _, own := reflect.PointerTo(goType).MethodByName("MarshalJSON"); own {
			log.Fatalf("%s has a JSON form of its own", goType)
		}
		number := made.message(goType)
		text, err := json.Marshal(number)
		must(err)
		return string(text)
	case reflect.Slice:
		if goType.Elem().Kind() == reflect.Uint8 {
			return "B"
		}
		// Of the tag's opt and rep some are wrong; a list that is a message has a method of its own.
		if isProtobuf(goType) {
			return "~" + made.typeOf(goType.Elem())
		}
		return "[" + made.typeOf(goType.Elem())
	case reflect.Map:
		return "{" + made.typeOf(goType.Elem())
	}
	log.Fatalf("%s is of no known type", goType)
	return ""
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// Writes ../src/serve/ProtobufMessages.ts: how the kinds that the sandbox serves look in
// Kubernetes' protobuf, and what of it stands in their JSON.
//
//	go run . >../src/serve/ProtobufMessages.ts
//	go run . vectors 20    # random objects in both forms, a line each, to compare with
//
// Numbers and types are those of the generated.proto files of k8s.io/api and k8s.io/apimachinery. What
// those do not say, names in JSON, what is written when it is empty, and what is written into the object
// around it, is in the tags of the Go types that they are generated from.
package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	apps "k8s.io/api/apps/v1"
	authentication "k8s.io/api/authentication/v1"
	authorization "k8s.io/api/authorization/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	batch "k8s.io/api/batch/v1"
	coordination "k8s.io/api/coordination/v1"
	core "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	rbac "k8s.io/api/rbac/v1"
	scheduling "k8s.io/api/scheduling/v1"
	storage "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/apitesting/fuzzer"
	metafuzzer "k8s.io/apimachinery/pkg/apis/meta/fuzzer"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
)

// What the sandbox serves, and what comes in requests beside it.
var kinds = map[string][]runtime.Object{
	"v1": {
		&core.Pod{}, &core.Service{}, &core.Endpoints{}, &core.ConfigMap{}, &core.Secret{}, &core.ServiceAccount{},
		&core.PersistentVolumeClaim{}, &core.PersistentVolume{}, &core.Node{}, &core.Namespace{}, &core.Event{},
		&core.ResourceQuota{}, &core.LimitRange{}, &meta.DeleteOptions{},
	},
	"apps/v1": {
		&apps.StatefulSet{}, &apps.Deployment{}, &apps.ReplicaSet{}, &apps.DaemonSet{}, &apps.ControllerRevision{},
	},
	"authentication.k8s.io/v1": {&authentication.SelfSubjectReview{}},
	"authorization.k8s.io/v1":  {&authorization.SelfSubjectAccessReview{}, &authorization.SelfSubjectRulesReview{}},
	"autoscaling/v1":           {&autoscalingv1.HorizontalPodAutoscaler{}, &autoscalingv1.Scale{}},
	"autoscaling/v2":           {&autoscaling.HorizontalPodAutoscaler{}},
	"batch/v1":                 {&batch.Job{}, &batch.CronJob{}},
	"coordination.k8s.io/v1":   {&coordination.Lease{}},
	"discovery.k8s.io/v1":      {&discovery.EndpointSlice{}},
	"networking.k8s.io/v1":     {&networking.NetworkPolicy{}, &networking.Ingress{}},
	"policy/v1":                {&policy.PodDisruptionBudget{}, &policy.Eviction{}},
	"rbac.authorization.k8s.io/v1": {
		&rbac.Role{}, &rbac.RoleBinding{}, &rbac.ClusterRole{}, &rbac.ClusterRoleBinding{},
	},
	"scheduling.k8s.io/v1": {&scheduling.PriorityClass{}},
	"storage.k8s.io/v1": {
		&storage.StorageClass{}, &storage.CSIDriver{}, &storage.CSINode{}, &storage.VolumeAttachment{},
	},
}

// Written to JSON by their own code; the reader knows them by name.
var special = []string{
	"k8s.io.apimachinery.pkg.api.resource.Quantity",
	"k8s.io.apimachinery.pkg.apis.meta.v1.FieldsV1",
	"k8s.io.apimachinery.pkg.apis.meta.v1.MicroTime",
	"k8s.io.apimachinery.pkg.apis.meta.v1.Time",
	"k8s.io.apimachinery.pkg.runtime.RawExtension",
	"k8s.io.apimachinery.pkg.util.intstr.IntOrString",
}

type protoField struct {
	number    int
	name      string
	label     string // "optional", "repeated", "map"
	kind      string // a scalar, or a message with its package
	isMessage bool
}

// By their numbers.
type protoMessage = map[int]protoField

var (
	messageLine = regexp.MustCompile(`^message (\w+) \{$`)
	fieldLine   = regexp.MustCompile(`^  (?:(optional|repeated) (\S+)|map<string, (\S+)>) (\w+) = (\d+);$`)
	nameInTag   = regexp.MustCompile(`name=(\w+)`)
	scalars     = []string{"bool", "bytes", "int32", "int64", "string"}
)

func directory(module string) string {
	return strings.TrimSpace(string(must(exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output())))
}

// The messages of a Go package's generated.proto, by their names in it.
var packages = map[string]map[string]protoMessage{}

func messagesOf(path string) map[string]protoMessage {
	if known, ok := packages[path]; ok {
		return known
	}
	module := strings.Join(strings.Split(path, "/")[:2], "/")
	file := filepath.Join(directory(module), strings.TrimPrefix(path, module), "generated.proto")
	text := must(os.ReadFile(file))
	found := map[string]protoMessage{}
	var message protoMessage
	for _, line := range strings.Split(string(text), "\n") {
		if match := messageLine.FindStringSubmatch(line); match != nil {
			message = protoMessage{}
			found[match[1]] = message
			continue
		}
		if line == "}" {
			message = nil
		}
		if message == nil {
			continue
		}
		match := fieldLine.FindStringSubmatch(line)
		if match == nil {
			if line != "" && !strings.HasPrefix(strings.TrimSpace(line), "//") {
				log.Fatalf("%s: cannot read %q", file, line)
			}
			continue
		}
		label, kind := match[1], match[2]
		if label == "" {
			label, kind = "map", match[3]
		}
		number, _ := strconv.Atoi(match[5])
		isMessage := !slices.Contains(scalars, kind)
		kind = strings.TrimPrefix(kind, ".")
		if isMessage && !strings.Contains(kind, ".") {
			kind = strings.ReplaceAll(path, "/", ".") + "." + kind
		}
		message[number] = protoField{number, match[4], label, kind, isMessage}
	}
	packages[path] = found
	return found
}

// The lines of the table by the full names of their messages.
var lines = map[string]string{}

func fullName(t reflect.Type) string {
	return strings.ReplaceAll(t.PkgPath(), "/", ".") + "." + t.Name()
}

func elementOf(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || (t.Kind() == reflect.Slice && t.PkgPath() == "") || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	return t
}

// Within their package messages are named without it.
func short(kind, from string) string {
	prefix := from[:strings.LastIndex(from, ".")+1]
	if rest, ok := strings.CutPrefix(kind, prefix); ok && !strings.Contains(rest, ".") {
		return rest
	}
	return kind
}

func fieldText(name, owner string, field protoField, flags string) string {
	label := map[string]string{"optional": "", "repeated": "*", "map": "%"}[field.label]
	kind := field.kind
	if field.isMessage {
		kind = short(kind, owner)
	}
	return fmt.Sprintf("%d %s %s%s%s", field.number, name, label, kind, flags)
}

func visit(t reflect.Type) {
	name := fullName(t)
	if _, known := lines[name]; known {
		return
	}
	lines[name] = ""
	message, ok := messagesOf(t.PkgPath())[t.Name()]
	if !ok {
		log.Fatalf("no message for %s", name)
	}
	var fields []string
	switch {
	case slices.Contains(special, name):
		for _, field := range message {
			fields = append(fields, fieldText(field.name, name, field, ""))
		}
	case t.Kind() == reflect.Slice:
		// A list that had to be a message; the list alone is in the JSON.
		fields = append(fields, fieldText("items", name, message[1], "^"))
	default:
		for i := range t.NumField() {
			fields = append(fields, structField(t, t.Field(i), message, name)...)
		}
	}
	sort.Slice(fields, func(i, j int) bool { return numberOf(fields[i]) < numberOf(fields[j]) })
	lines[name] = strings.Join(fields, ", ")
}

func numberOf(text string) int {
	number, _ := strconv.Atoi(strings.SplitN(text, " ", 2)[0])
	return number
}

func structField(t reflect.Type, field reflect.StructField, message protoMessage, owner string) []string {
	tag, hasTag := field.Tag.Lookup("protobuf")
	name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
	if !hasTag || tag == "-" {
		if field.Type != reflect.TypeFor[meta.TypeMeta]() {
			log.Fatalf("%s.%s is not in protobuf", t.Name(), field.Name)
		}
		return nil
	}
	number, _ := strconv.Atoi(strings.Split(tag, ",")[1])
	found, ok := message[number]
	if named := nameInTag.FindStringSubmatch(tag); !ok || (named != nil && named[1] != found.name) {
		log.Fatalf("%s.%s: the tag %s is not what its .proto says", t.Name(), field.Name, tag)
	}
	isOptional := strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero")
	kind := field.Type.Kind()
	isPlain := kind != reflect.Pointer && kind != reflect.Slice && kind != reflect.Map
	flags := ""
	switch {
	case strings.Contains(options, "inline"):
		flags, name = "^", found.name
	case isPlain && found.isMessage && strings.Contains(options, "omitzero"):
		flags = "?"
	case isPlain && !found.isMessage && isOptional:
		flags = "?"
	case isPlain && !found.isMessage:
		flags = "!"
	}
	if name == "" || name == "-" {
		// Of what is never JSON.
		name = found.name
	}
	if found.isMessage {
		visit(elementOf(field.Type))
	}
	return []string{fieldText(name, owner, found, flags)}
}

func sortedKeys[V any](of map[string]V) []string {
	keys := make([]string, 0, len(of))
	for key := range of {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

const head = `/**
 * The protobuf messages of Kubernetes' kinds. Generated by packages/sandbox/protobuf/main.go from k8s.io/api
 * and k8s.io/apimachinery %s: numbers and types are those of their generated.proto files.
 *
 * Copyright The Kubernetes Authors. Licensed under the Apache License, Version 2.0:
 * http://www.apache.org/licenses/LICENSE-2.0
 */

/** The message of each kind, by its apiVersion and kind. */
export const kinds = %s

/**
 * A line for a package, after those that it needs, and below it one for each message: its name, then number,
 * name in JSON and type of each field. Before a type: * a list, %% a map from texts. Behind it: ? left out of
 * the JSON when it is empty, ! there also when it is not sent, ^ what it holds stands in its place.
 */
export const messages = %s
`

// What others are made of comes before them.
func rank(name string) int {
	switch {
	case strings.HasPrefix(name, "k8s.io.apimachinery."):
		return 0
	case strings.HasPrefix(name, "k8s.io.api.core."):
		return 1
	}
	return 2
}

func table() {
	var named strings.Builder
	for _, version := range sortedKeys(kinds) {
		var names []string
		for _, object := range kinds[version] {
			t := reflect.TypeOf(object).Elem()
			visit(t)
			names = append(names, fullName(t))
		}
		sort.Strings(names)
		fmt.Fprintf(&named, "\n%s %s", version, strings.Join(names, " "))
	}
	visit(reflect.TypeFor[runtime.Unknown]())
	var text strings.Builder
	inside := ""
	names := sortedKeys(lines)
	sort.SliceStable(names, func(i, j int) bool { return rank(names[i]) < rank(names[j]) })
	for _, name := range names {
		dot := strings.LastIndex(name, ".")
		if name[:dot] != inside {
			inside = name[:dot]
			fmt.Fprintf(&text, "\n# %s", inside)
		}
		fmt.Fprintf(&text, "\n%s: %s", name[dot+1:], lines[name])
	}
	version := regexp.MustCompile(`@(v[\d.]+)`).FindStringSubmatch(directory("k8s.io/api"))[1]
	fmt.Printf(head, version, "`"+named.String()+"`", "`"+text.String()+"`")
}

type message interface {
	runtime.Object
	Marshal() ([]byte, error)
	Unmarshal([]byte) error
}

func must[V any](value V, err error) V {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

// Random objects with a good part of their fields empty, so that it is seen what becomes of those.
func vectors(count int) {
	scheme := runtime.NewScheme()
	meta.AddToGroupVersion(scheme, schema.GroupVersion{Version: "v1"})
	filler := fuzzer.FuzzerFor(metafuzzer.Funcs, rand.NewSource(1), serializer.NewCodecFactory(scheme))
	encoder := protobuf.NewSerializer(scheme, scheme)
	for _, version := range sortedKeys(kinds) {
		for _, object := range kinds[version] {
			for i := range count {
				filler.NilChance([]float64{0, 0.5, 0.9}[i%3]).NumElements(0, 2)
				t := reflect.TypeOf(object).Elem()
				sent, received := reflect.New(t).Interface().(message), reflect.New(t).Interface().(message)
				filler.Fill(sent)
				kind := schema.FromAPIVersionAndKind(version, t.Name())
				sent.GetObjectKind().SetGroupVersionKind(kind)
				wire := must(runtime.Encode(encoder, sent))
				// Read again: an empty list is none after its way.
				if err := received.Unmarshal(must(sent.Marshal())); err != nil {
					log.Fatal(err)
				}
				received.GetObjectKind().SetGroupVersionKind(kind)
				text := must(json.Marshal(received))
				fmt.Printf("%s %s\n", base64.StdEncoding.EncodeToString(wire), text)
			}
		}
	}
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == "vectors" {
		vectors(must(strconv.Atoi(os.Args[2])))
		return
	}
	table()
}

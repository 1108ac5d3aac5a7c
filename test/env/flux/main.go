// Judges an object as Flux's kustomize-controller does: reads one JSON object {expressions, object} a line, writes
// {status} or {failed}.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"os"

	"github.com/fluxcd/pkg/apis/kustomize"
	"github.com/fluxcd/pkg/runtime/cel"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type asked struct {
	Expressions kustomize.HealthCheckExpressions `json:"expressions"`
	Object      json.RawMessage                  `json:"object"`
}

func answer(question asked) (string, error) {
	evaluator, err := cel.NewStatusEvaluator(&question.Expressions)
	if err != nil {
		return "", err
	}
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(question.Object); err != nil {
		return "", err
	}
	result, err := evaluator.Evaluate(context.Background(), object)
	if err != nil {
		return "", err
	}
	return string(result.Status), nil
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), 1<<24)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var question asked
		if err := json.Unmarshal(lines.Bytes(), &question); err != nil {
			panic(err)
		}
		said := map[string]string{}
		if status, err := answer(question); err != nil {
			said["failed"] = err.Error()
		} else {
			said["status"] = status
		}
		if err := out.Encode(said); err != nil {
			panic(err)
		}
	}
}

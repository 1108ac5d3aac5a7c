// Runs formulas on the real expr-lang: reads one JSON object {formula, triggers} a line, writes {value}, {nil: true},
// {refused} (it does not compile) or {failed} (it does not run). With {formula, result} it is a condition of an AnalysisTemplate
// on a vector, as Argo Rollouts evaluates it (utils/evaluate of v1.10), and {holds} is written.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"

	"github.com/expr-lang/expr"
)

type asked struct {
	Formula  string              `json:"formula"`
	Triggers map[string]*float64 `json:"triggers"`
	Result   *[]float64          `json:"result"`
}

type answered struct {
	Value   *string `json:"value,omitempty"`
	Nil     bool    `json:"nil,omitempty"`
	Holds   *bool   `json:"holds,omitempty"`
	Refused string  `json:"refused,omitempty"`
	Failed  string  `json:"failed,omitempty"`
}

func condition(formula string, result []float64) answered {
	values := map[string]any{"result": result, "isNaN": math.IsNaN}
	program, err := expr.Compile(formula, expr.Env(values))
	if err != nil {
		return answered{Refused: err.Error()}
	}
	output, err := expr.Run(program, values)
	if err != nil {
		return answered{Failed: err.Error()}
	}
	holds, ok := output.(bool)
	if !ok {
		return answered{Failed: fmt.Sprintf("not a bool: %T", output)}
	}
	return answered{Holds: &holds}
}

func answer(question asked) answered {
	if question.Result != nil {
		return condition(question.Formula, *question.Result)
	}
	types := map[string]float64{}
	values := map[string]any{}
	for name, value := range question.Triggers {
		types[name] = -1
		if value == nil {
			values[name] = nil
		} else {
			values[name] = *value
		}
	}
	program, err := expr.Compile(question.Formula, expr.Env(types))
	if err != nil {
		return answered{Refused: err.Error()}
	}
	result, err := expr.Run(program, values)
	if err != nil {
		return answered{Failed: err.Error()}
	}
	if result == nil {
		return answered{Nil: true}
	}
	number, ok := result.(float64)
	if !ok {
		return answered{Failed: fmt.Sprintf("not a float: %T", result)}
	}
	text := fmt.Sprintf("%x", math.Float64bits(number))
	return answered{Value: &text}
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), 1<<20)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var question asked
		if err := json.Unmarshal(lines.Bytes(), &question); err != nil {
			panic(err)
		}
		if err := out.Encode(answer(question)); err != nil {
			panic(err)
		}
	}
}

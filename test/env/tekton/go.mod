// Pins the CRDs of Tekton Pipelines for the tests (see ../README.md).
module servetwin.test/env/tekton

go 1.26.0

require github.com/tektoncd/pipeline v1.6.0

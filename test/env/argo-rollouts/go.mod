// Pins the CRDs of Argo Rollouts for the tests (see ../README.md).
module servetwin.test/env/argo-rollouts

go 1.26.0

require github.com/argoproj/argo-rollouts v1.10.1

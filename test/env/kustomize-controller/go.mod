// Pins the CRDs of Flux's kustomize-controller for the tests (see ../README.md).
module servetwin.test/env/kustomize-controller

go 1.26.0

require github.com/fluxcd/kustomize-controller v1.9.6

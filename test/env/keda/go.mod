// Pins KEDA for the tests (see ../README.md and ../keda-source.ts).
module servetwin.test/env/keda

go 1.26.0

require github.com/kedacore/keda/v2 v2.21.0

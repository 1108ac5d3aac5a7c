// Builds the real expr-lang, as KEDA pins it, for the tests (see ../README.md).
module servetwin.test/env/expr

go 1.26.0

godebug default=go1.26

require github.com/expr-lang/expr v1.17.8

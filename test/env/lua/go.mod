// Builds the interpreter of Argo CD's health checks for the tests (see ../README.md).
module servetwin.test/env/lua

go 1.26.0

godebug default=go1.26

require (
	github.com/yuin/gopher-lua v1.1.2
	layeh.com/gopher-json v0.0.0-20190114024228-97fed8db8427
)

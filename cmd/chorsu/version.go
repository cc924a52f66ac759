package main

import (
	"encoding/json"
	"fmt"
	"runtime"
)

// versionCmd prints what runs here.
type versionCmd struct {
	JSON bool `help:"Print JSON."`
}

func (versionCmd) Examples() string {
	return `  chorsu version
  chorsu version --json
`
}

func (c *versionCmd) Run(con *console) error {
	if c.JSON {
		return printJSON(con, map[string]string{"version": programVersion(), "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH})
	}
	_, err := fmt.Fprintf(con.out, "chorsu %s (%s, %s/%s)\n", programVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// printJSON writes v for programs, indented for the people who read it too.
func printJSON(con *console, v any) error {
	enc := json.NewEncoder(con.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

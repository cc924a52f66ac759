package main

import (
	"context"
	"net/http"

	"github.com/chorsu/chorsu/internal/till/devices"
)

// arcus2Cmd stands where a shop has the vendor's CommandLineTool: a till runs it, and believes the
// files that it leaves in its folder.
type arcus2Cmd struct {
	Address string   `arg:"" help:"Where the sandbox has the pinpad, as chorsu sandbox prints it."`
	Args    []string `arg:"" optional:"" passthrough:"" help:"The tool's own."`
}

func (arcus2Cmd) Examples() string {
	return `  chorsu arcus2-tool http://127.0.0.1:4003/arcus2 /o1 /a50000 /c860
`
}

func (c *arcus2Cmd) Run(ctx context.Context) error {
	return devices.Arcus2Tool(ctx, http.DefaultClient, c.Address, ".", c.Args)
}

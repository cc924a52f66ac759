package main

import "fmt"

// helpCmd is `chorsu help serve`: the same as `chorsu serve --help`.
type helpCmd struct {
	Command []string `arg:"" optional:"" help:"The command to explain."`
}

func (helpCmd) Examples() string {
	return `  chorsu help
  chorsu help serve
  chorsu help keys rotate
`
}

func (c *helpCmd) Run(con *console) error {
	parser, err := newParser(con)
	if err != nil {
		return err
	}
	if _, _, err := parse(parser, append(c.Command, "--help")); err != nil {
		return &coded{exitUsage, fmt.Errorf("%w; `chorsu help` lists the commands", err)}
	}
	return nil
}

package main
type demoCmd struct{}
func (demoCmd) Run(con *console) error { return nil }

package gateway

var Tidy = tidy

// BoundStatements has statements be no longer than most.
func (g *Gateway) BoundStatements(most int) { g.statementMost = most }

package gateway

var Tidy = tidy

package multicard

// BoundSession is for the fuzz test of what strangers may send.
var BoundSession = boundSession

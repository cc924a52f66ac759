//go:build !unix

package pgcluster

import "errors"

// ErrMissing is returned where no cluster can be started.
var ErrMissing = errors.New("a throw-away PostgreSQL is started on Unix only: set CHORSU_TEST_POSTGRES to a server where databases may be made")

// Cluster is a running server.
type Cluster struct{ URL string }

// Start always fails.
func Start() (*Cluster, error) { return nil, ErrMissing }

// StartDurable always fails.
func StartDurable() (*Cluster, error) { return nil, ErrMissing }

// Stop does nothing.
func (c *Cluster) Stop() error { return nil }

package click

import (
	"context"
	"net/http"

	"github.com/chorsu/chorsu/internal/provider"
)

// CheckCredentials asks for a payment that does not exist: who is turned away at the door has wrong
// credentials, who is told that there is none has right ones. Without merchantUserId there is
// nothing to call.
func (a *account) CheckCredentials(ctx context.Context) error {
	ans, err := a.api.do(ctx, http.MethodGet, "payment/status/"+a.service+"/1", nil)
	e, failed := err.(*provider.Error)
	switch {
	case failed && isNotFound(e):
		return nil
	case err != nil:
		return err
	}
	if code, ok := ans.code(); ok && (code == 0 || code == codeNotFound) {
		return nil
	}
	return ans.notUnderstood("an answer that says nothing of the credentials")
}

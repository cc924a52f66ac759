package multicard

import "context"

// CheckCredentials asks for a new token: Multicard knows the applicationId and the secret. What it
// thinks of the storeId is only heard when an invoice is made.
func (a *account) CheckCredentials(ctx context.Context) error {
	kept, err := a.client.bearer(ctx, "")
	if err != nil {
		return err
	}
	_, err = a.client.bearer(ctx, kept) // the first may be from before the secret was changed in the cabinet
	return err
}

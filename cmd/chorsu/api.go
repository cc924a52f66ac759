package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// apiClient calls the gateway and its sandbox as an app does.
type apiClient struct {
	url, key string
	http     *http.Client
}

func newAPIClient(url, key string) apiClient {
	return apiClient{url: url, key: key, http: &http.Client{}}
}

// call sends in and decodes what comes back into out: the data of the API's envelope, or the
// whole of the sandbox's answer.
func (c apiClient) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("x-api-key", c.key)
	req.Header.Set("Content-Type", "application/json")
	res, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 8<<20))
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %d %s", method, path, res.StatusCode, bytes.TrimSpace(text))
	}
	var envelope struct{ Data json.RawMessage }
	if json.Unmarshal(text, &envelope) == nil && envelope.Data != nil {
		text = envelope.Data
	}
	return json.Unmarshal(text, out)
}

package httpapi_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"
)

// form sends a form: name, value, name, value; a name that begins with @ is a file.
func (b *bench) form(path string, parts ...string) reply {
	b.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for i := 0; i < len(parts); i += 2 {
		name, file := strings.CutPrefix(parts[i], "@")
		create := w.CreateFormField
		if file {
			create = func(name string) (io.Writer, error) { return w.CreateFormFile(name, "register.csv") }
		}
		part, err := create(name)
		must(b.t, err)
		_, err = part.Write([]byte(parts[i+1]))
		must(b.t, err)
	}
	must(b.t, w.Close())
	req, err := http.NewRequest(http.MethodPost, b.url+path, &body)
	must(b.t, err)
	req.Header.Set("x-api-key", apiKey)
	req.Header.Set("Content-Type", w.FormDataContentType())
	return b.do(req)
}

const (
	registerHead = "provider_id,order,amount,time,status\n"
	today        = "2026-05-12"
)

// A register is uploaded as a form, compared, and what differs is settled in a person's name.
func TestReconciliationByUpload(t *testing.T) {
	b := newBench(t, nil)
	b.register("bank", "biz")
	id := b.paid("biz", "1", 100000)
	b.clock.at = b.clock.at.Add(24 * time.Hour)
	fields := []string{"source", "shop", "businessId", "biz", "provider", "bank", "date", today}
	file := registerHead + ",," + "\n" // an empty line
	file += "," + id + ",99900,2026-05-12 15:00:00,paid\nforeign,,5000,2026-05-12 15:00:00,paid\n"
	made := b.form("/api/reconciliations", append(fields, "@file", file)...).want(201, "OK")
	if made.text("status") != "running" || made.text("by") != "file" {
		t.Errorf("%s", made.Raw)
	}
	b.settle()
	path := "/api/reconciliations/" + made.text("id")
	done := b.send("GET", path, nil).want(200, "OK")
	different, _ := done.Data["different"].([]any)
	if done.text("status") != "done" || len(different) != 1 || done.Data["matched"] != 0.0 {
		t.Fatalf("%s", done.Raw)
	}
	d := different[0].(map[string]any)
	if d["invoiceId"] != id || d["verdict"] != "different" || d["settled"] != nil || d["theirs"].(map[string]any)["amount"] != 99900.0 || d["ours"].(map[string]any)["status"] != "paid" {
		t.Errorf("%v", d)
	}
	if items := b.send("GET", path+"/differences?verdict=only_theirs&limit=1", nil).want(200, "").items(); len(items) != 1 || items[0]["providerId"] != "foreign" {
		t.Errorf("%v", items)
	}
	order := map[string]any{"differenceId": d["id"], "how": "theirs", "by": "dilnoza@shop.uz", "reason": "seen"}
	if r := b.send("POST", path+"/settle", order).want(409, "CONFLICT"); r.reason() != "not_taken_over" {
		t.Errorf("%s", r.Raw)
	}
	order["how"] = "noted"
	if r := b.send("POST", path+"/settle", order, "Idempotency-Key", "s").want(200, "OK"); r.Data["settled"] == nil {
		t.Errorf("%s", r.Raw)
	}
	delete(order, "by")
	b.send("POST", path+"/settle", order).want(400, "VALIDATION_ERROR")
	b.send("GET", path+"/differences?verdict=matched", nil).want(400, "VALIDATION_ERROR")
	b.send("GET", "/api/reconciliations/01975f2e-6a09-7bf0-9a1b-00505680eaf6", nil).want(404, "NOT_FOUND")
	if r := b.send("GET", "/api/invoices/"+id+"/timeline", nil); !strings.Contains(r.Raw, "dilnoza@shop.uz") {
		t.Errorf("%s", r.Raw)
	}
	in := map[string]any{"source": "shop", "businessId": "biz", "provider": "bank", "date": today}
	if r := b.send("POST", "/api/reconciliations", in).want(422, "NOT_SUPPORTED"); r.reason() != "register_file_needed" {
		t.Errorf("%s", r.Raw)
	}
}

// A form is read as strictly as JSON, and within its bounds.
func TestUploadsThatAreRefused(t *testing.T) {
	b := newBench(t, nil)
	b.register("bank", "biz")
	b.clock.at = b.clock.at.Add(24 * time.Hour)
	fields := []string{"source", "shop", "businessId", "biz", "provider", "bank", "date", today}
	with := func(more ...string) []string { return append(append([]string{}, fields...), more...) }
	for _, c := range []struct {
		parts  []string
		status int
		want   string
	}{
		{fields, 400, `"file" is required in a form`},
		{with("@file", registerHead+"r,,x,2026-05-12 15:00:00,done\n"), 400, `"file" line 2: amount must be a whole number of tiyin, written in digits`},
		{with("@file", registerHead, "@file", registerHead), 400, `"file" must not be given twice`},
		{with("@file", registerHead, "date", today), 400, `"date" must not be given twice`},
		{with("@file", registerHead, "foo", "1"), 400, `"foo" is not allowed`},
		{with("@file", registerHead, "foo", strings.Repeat("x", 1025)), 400, `"foo" length must be less than or equal to 1024 characters long`},
		{with("@file", registerHead, "foo", "\xff"), 400, `"foo" must be valid UTF-8 without the NUL character`},
		{with("@file", registerHead, "", "1"), 400, `"body" has a part without a name`},
		{[]string{"@file", registerHead, "date", "12.05.2026"}, 400, `"source" is required`},
		{with("@file", strings.Repeat("x", 20<<20+1)), 413, `"file" must not be larger than 20 MiB`},
		{with("@file", strings.Repeat("x", 21<<20)), 413, `"file" must not be larger than 20 MiB`},
		{make([]string, 2*20), 400, `"body" has a part without a name`},
	} {
		r := b.form("/api/reconciliations", c.parts...)
		if r.Status != c.status || r.details()[0] != c.want {
			t.Errorf("got %d %s, want %d %s", r.Status, r.Raw, c.status, c.want)
		}
	}
	for body, kind := range map[string]string{"": "multipart/form-data", "--x": "multipart/form-data; boundary=x", "--x\r\n": "multipart/form-data; boundary=x", "a": "text/csv"} {
		req, err := http.NewRequest(http.MethodPost, b.url+"/api/reconciliations", strings.NewReader(body))
		must(t, err)
		req.Header.Set("x-api-key", apiKey)
		req.Header.Set("Content-Type", kind)
		if r := b.do(req); r.Status != 400 && r.Status != 415 {
			t.Errorf("%q as %s: %d %s", body, kind, r.Status, r.Raw)
		}
	}
	// Only where a file is taken.
	b.form("/api/invoices", "source", "shop").want(415, "UNSUPPORTED_MEDIA_TYPE")
}

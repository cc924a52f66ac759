package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/chorsu/chorsu/internal/app"
)

// withMerchant runs up once and registers a merchant, so that there is something sealed.
func withMerchant(t *testing.T) {
	t.Helper()
	folder(t)
	t.Setenv("PORT", "0")
	at, stop := background(t, apiLine, "up")
	for _, p := range app.Plugins() {
		text, _ := json.Marshal(map[string]any{"source": "s", "businessId": "b", "provider": p.Provider.Info().Name, "credentials": p.Sample})
		req, _ := http.NewRequest("POST", at[1]+"/api/merchants", bytes.NewReader(text))
		req.Header.Set("x-api-key", env(t, varAPI))
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != 201 {
			t.Fatalf("register: %d", res.StatusCode)
		}
	}
	if code, errs := stop(); code != 0 {
		t.Fatalf("exit code %d: %s", code, errs)
	}
}

// env is a value in .env.
func env(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(".env")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^` + name + `="?([^"\n]*)"?$`).FindStringSubmatch(string(text))
	if m == nil {
		t.Fatalf(".env has no %s:\n%s", name, text)
	}
	return m[1]
}

func TestKeysRotateInTheFile(t *testing.T) {
	withMerchant(t)
	for which, name := range map[string]string{"api": varAPI, "webhook": varWebhook, "master": varMaster} {
		t.Run(which, func(t *testing.T) {
			old := env(t, name)
			if code, out, errs := do(t, "keys", "rotate", which); code != 0 {
				t.Fatalf("rotate: %d %s %s", code, out, errs)
			}
			both := strings.Split(env(t, name), ",")
			if len(both) != 2 || both[1] != old || both[0] == old {
				t.Fatalf("%s is not the new key and the old one", name)
			}
			if code, out, errs := do(t, "keys", "rotate", which, "--finish"); code != 0 {
				t.Fatalf("finish: %d %s %s", code, out, errs)
			}
			if env(t, name) != both[0] {
				t.Errorf("%s is not the new key alone", name)
			}
			if code, _, _ := do(t, "keys", "rotate", which, "--finish"); code != exitFailed {
				t.Errorf("there is no older key to take out, and the exit code is %d", code)
			}
		})
	}
	if info, err := os.Stat(".env"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf(".env: %v %v", info.Mode(), err)
	}
	// Every row opens under the new master key alone.
	code, out, errs := do(t, "doctor", "--offline")
	want := fmt.Sprintf("%d sealed rows open, 0 of them under older keys", rowsOfUp())
	if code != 0 || !strings.Contains(out, want) {
		t.Errorf("doctor: %d %s %s", code, out, errs)
	}
}

// rowsOfUp is what withMerchant leaves sealed: up's merchants, and the key of requests' hashes.
func rowsOfUp() int { return len(app.Plugins()) + 1 }

func TestKeysRotateInTheEnvironment(t *testing.T) {
	withMerchant(t)
	old := env(t, varMaster)
	t.Setenv(varMaster, old)
	code, out, errs := do(t, "keys", "rotate", "master")
	m := regexp.MustCompile(`(?m)^MASTER_KEY=(\S+)$`).FindStringSubmatch(out)
	if code != exitPerson || m == nil || !strings.HasSuffix(m[1], ","+old) || !strings.Contains(errs, "--reseal") {
		t.Fatalf("rotate: %d %s %s", code, out, errs)
	}
	if env(t, varMaster) != old {
		t.Error("the file was changed, though the environment counts")
	}
	t.Setenv(varMaster, m[1])
	if code, out, _ := do(t, "keys", "rotate", "master", "--finish"); code != exitPerson {
		t.Errorf("rows under the old key, and it may be taken out: %d %s", code, out)
	}
	_, out, _ = do(t, "keys", "list", "--json")
	var list struct {
		Keys   []keyView
		Sealed struct{ Rows, UnderOlderKeys int }
	}
	if err := json.Unmarshal([]byte(out), &list); err != nil || list.Sealed.UnderOlderKeys != rowsOfUp() {
		t.Errorf("list: %s %v", out, err)
	}
	if code, out, errs := do(t, "keys", "rotate", "master", "--reseal"); code != 0 || !strings.Contains(out, fmt.Sprintf("%d of them anew", rowsOfUp())) {
		t.Fatalf("reseal: %d %s %s", code, out, errs)
	}
	if code, _, _ := do(t, "keys", "rotate", "master", "--finish"); code != exitPerson {
		t.Errorf("the environment is a person's to change; exit code %d", code)
	}
	t.Setenv(varMaster, strings.TrimSuffix(m[1], ","+old))
	if code, out, errs := do(t, "doctor", "--offline"); code != 0 || !strings.Contains(out, "sealed rows open") {
		t.Errorf("doctor with the new key alone: %d %s %s", code, out, errs)
	}
	t.Setenv(varMaster, old)
	if code, out, _ := do(t, "doctor", "--offline"); code != exitFailed || !strings.Contains(out, "does not open") {
		t.Errorf("doctor with the old key alone: %d %s", code, out)
	}
}

// What rotates can be read by a program too, also where a person must do the rest.
func TestKeysRotateAsJSON(t *testing.T) {
	withMerchant(t)
	var done rotated
	code, out, _ := do(t, "keys", "rotate", "api", "--json")
	if err := json.Unmarshal([]byte(out), &done); err != nil || code != 0 || done != (rotated{Key: "api", Written: true}) {
		t.Errorf("in the file: %d %s %v", code, out, err)
	}
	t.Setenv(varWebhook, env(t, varWebhook))
	done = rotated{}
	code, out, _ = do(t, "keys", "rotate", "webhook", "--json")
	if err := json.Unmarshal([]byte(out), &done); err != nil || code != exitPerson || done.Written || !strings.HasSuffix(done.Value, ","+env(t, varWebhook)) {
		t.Errorf("in the environment: %d %s %v", code, out, err)
	}
	done = rotated{}
	code, out, _ = do(t, "keys", "rotate", "master", "--json")
	if err := json.Unmarshal([]byte(out), &done); err != nil || code != 0 || !done.Written || done.Rows != rowsOfUp() || done.Resealed != done.Rows {
		t.Errorf("the master key: %d %s %v", code, out, err)
	}
}

func TestKeysListTellsNoKey(t *testing.T) {
	withMerchant(t)
	for _, args := range [][]string{{"keys", "list"}, {"keys", "list", "--json"}, {"doctor", "--offline"}, {"doctor", "--offline", "--json"}} {
		code, out, _ := do(t, args...)
		if code != 0 {
			t.Errorf("%v: %d", args, code)
		}
		for _, name := range []string{varAPI, varWebhook, varMaster} {
			value := env(t, name)
			if !strings.Contains(out, name) || strings.Contains(out, value) || strings.Contains(out, value[len(value)-16:]) {
				t.Errorf("chorsu %s tells too little or too much of %s:\n%s", strings.Join(args, " "), name, out)
			}
		}
	}
}

func TestDoctorFindsWhatIsWrong(t *testing.T) {
	withMerchant(t)
	if code, out, _ := do(t, "doctor"); code != 0 || !strings.Contains(out, "nobody is called") {
		t.Errorf("in test mode: %d %s", code, out)
	}
	os.Chmod(".env", 0o644)
	if code, out, _ := do(t, "doctor", "--offline"); code != exitFailed || !strings.Contains(out, "chmod 600 .env") {
		t.Errorf("a readable .env: %d %s", code, out)
	}
	os.Chmod(".env", 0o600)
	t.Setenv("INVOICE_TTL", "soon")
	var report struct {
		Checks   []check
		Settings []struct{ Name, Value, Origin string }
	}
	code, out, _ := do(t, "doctor", "--json")
	if err := json.Unmarshal([]byte(out), &report); err != nil || code != exitFailed || report.Checks[0].OK || !strings.Contains(report.Checks[0].Detail, "INVOICE_TTL") {
		t.Errorf("a bad value: %d %v %s", code, err, out)
	}
}

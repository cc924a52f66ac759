package uzum_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/provider/uzum"
)

// start is the moment of the reference's first message.
var start = time.UnixMilli(1698361456728).UTC()

var credentials = map[string]string{"serviceId": "101202", "login": "shop", "password": "s3cret:ö"}

func open(t *testing.T, o pay.Options, c *clock) provider.Account {
	t.Helper()
	a, err := uzum.New().Open(
		provider.Credentials{Values: credentials, Options: o},
		provider.Env{Now: c.Now, PayURL: "https://www.uzumbank.uz/open-service"},
	)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestInfo(t *testing.T) {
	info := uzum.New().Info()
	want := []provider.Field{
		{Key: "serviceId", Required: true}, {Key: "login", Required: true}, {Key: "password", Required: true, Secret: true},
	}
	if diff := cmp.Diff(want, info.Fields); diff != "" {
		t.Error(diff)
	}
	if got := provider.Capabilities(info.Account); !slices.Equal(got, []string{"checkout", "callbacks"}) {
		t.Errorf("capabilities %v", got)
	}
	if info.Name != "uzum" || info.PayURL != "https://www.uzumbank.uz/open-service" || info.PayURLEnv != "UZUM_PAY_URL" || info.BaseURLEnv != "" {
		t.Errorf("%+v", info)
	}
	if _, ok := info.Account.(provider.Refunder); ok || info.RefundHint.EN == "" {
		t.Error("there is no call by which to refund, and the hint must say what to do instead")
	}
}

func TestOpenNamesEveryFault(t *testing.T) {
	_, err := uzum.New().Open(provider.Credentials{
		Values:  map[string]string{"serviceId": "0101202", "login": "a:b", "password": "x\n"},
		Options: pay.Options{UzumAttribute: "order id", AmountUnit: "sum"},
	}, provider.Env{Now: time.Now})
	bad, ok := errors.AsType[*pay.Error](err)
	if !ok || bad.Code != pay.CodeInvalid {
		t.Fatalf("error %v", err)
	}
	var fields []string
	for _, d := range bad.Details {
		fields = append(fields, strings.Split(d, `"`)[1])
	}
	want := []string{"credentials.serviceId", "credentials.login", "credentials.password", "options.uzumAttribute", "options.amountUnit"}
	if !slices.Equal(fields, want) {
		t.Errorf("faults of %v, want %v", fields, want)
	}
	if strings.Contains(fmt.Sprint(bad.Details), "x\n") {
		t.Error("a secret stands in the error")
	}
	for _, values := range []map[string]string{
		{"serviceId": "-5", "login": "a", "password": "b"}, {"serviceId": "1e3", "login": "a", "password": "b"},
		{"serviceId": "9223372036854775808", "login": "a", "password": "b"}, {"serviceId": "", "login": "a", "password": "b"},
		{"serviceId": "1", "login": "", "password": "b"}, {"serviceId": "1", "login": "a", "password": ""},
		{"serviceId": "1", "login": "a", "password": strings.Repeat("b", 256)}, {},
	} {
		if _, err := uzum.New().Open(provider.Credentials{Values: values}, provider.Env{}); err == nil {
			t.Errorf("%v is taken", values)
		}
	}
	for _, attribute := range []string{"serviceId", "amount", "redirectUrl", "1st", "a&b", strings.Repeat("a", 65)} {
		c := provider.Credentials{Values: credentials, Options: pay.Options{UzumAttribute: attribute}}
		if _, err := uzum.New().Open(c, provider.Env{}); err == nil {
			t.Errorf("attribute %q is taken", attribute)
		}
	}
}

func TestLink(t *testing.T) {
	c := &clock{at: start}
	for _, test := range []struct {
		name    string
		options pay.Options
		inv     pay.Invoice
		want    string
	}{
		{
			"the reference's", pay.Options{}, pay.Invoice{ID: "O1", Amount: 2500000, ReturnURL: "https://shop.uz/r?a=1&b=2"},
			"https://www.uzumbank.uz/open-service?serviceId=101202&order_id=O1&amount=2500000&redirectUrl=https%3A%2F%2Fshop.uz%2Fr%3Fa%3D1%26b%3D2",
		},
		{
			"without a return", pay.Options{AmountUnit: "tiyin"}, pay.Invoice{ID: "O1", Amount: 2500050},
			"https://www.uzumbank.uz/open-service?serviceId=101202&order_id=O1&amount=2500050",
		},
		{
			"in soum, another attribute", pay.Options{AmountUnit: "som", UzumAttribute: "account"}, pay.Invoice{ID: "O1", Amount: 2500000, ReturnURL: "shop://back to?x=ў"},
			"https://www.uzumbank.uz/open-service?serviceId=101202&account=O1&amount=25000&redirectUrl=shop%3A%2F%2Fback%20to%3Fx%3D%D1%9E",
		},
	} {
		link, err := open(t, test.options, c).(provider.Checkouter).Checkout(context.Background(), test.inv, pay.Payment{})
		if err != nil || link.URL != test.want || link.Deeplink != "uzum://pay?order=O1" {
			t.Errorf("%s: %+v (%v), want %s", test.name, link, err, test.want)
		}
		if u, err := url.Parse(link.URL); err != nil || u.Query().Get("redirectUrl") != test.inv.ReturnURL {
			t.Errorf("%s: the return address is read back as %q", test.name, u.Query().Get("redirectUrl"))
		}
	}
	_, err := open(t, pay.Options{AmountUnit: "som"}, c).(provider.Checkouter).Checkout(context.Background(), pay.Invoice{ID: "O1", Amount: 2500050}, pay.Payment{})
	if e, ok := errors.AsType[*pay.Error](err); !ok || e.Code != pay.CodeInvalid || e.Field != "amount" {
		t.Errorf("half a soum for a service that counts in soum: %v", err)
	}
}

func TestStrangersAndRoutes(t *testing.T) {
	p := uzum.New()
	rec := httptest.NewRecorder()
	p.(provider.StrangerServer).ServeStranger(rec, httptest.NewRequest("POST", "/api/callbacks/uzum/nobody/create", strings.NewReader(`{}`)))
	if got := rec.Body.String(); rec.Code != 400 || got != `{"errorCode":"10001","status":"FAILED"}` {
		t.Errorf("a stranger is answered %d %s", rec.Code, got)
	}
	router := p.(provider.Router)
	if router.RouteField() != "serviceId" {
		t.Errorf("routed by %s", router.RouteField())
	}
	for body, want := range map[string]string{
		`{"serviceId":101202}`: "101202", `{"serviceId":"101202"}`: "", `{"serviceId":1,"serviceId":2}`: "",
		`{`: "", `{"serviceId":1.5}`: "", `[]`: "", `{"ServiceId":1}`: "",
	} {
		if got, ok := router.Route(nil, []byte(body)); ok != (want != "") || ok && got != want {
			t.Errorf("%s is routed to %q, %v", body, got, ok)
		}
	}
}

// serve puts an account behind a real server; every path of it is the callback address.
func serve(t *testing.T, a provider.Account, d provider.Desk) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		a.(provider.CallbackServer).ServeCallback(w, r, d)
	}))
	t.Cleanup(s.Close)
	return s
}

func TestAuthorization(t *testing.T) {
	c := &clock{at: start}
	server := serve(t, open(t, pay.Options{}, c), newDesk(c))
	for name, set := range map[string]func(*http.Request){
		"none":           func(*http.Request) {},
		"wrong password": func(r *http.Request) { r.SetBasicAuth("shop", "s3cret") },
		"wrong login":    func(r *http.Request) { r.SetBasicAuth("Shop", "s3cret:ö") },
		"swapped":        func(r *http.Request) { r.SetBasicAuth("s3cret:ö", "shop") },
		"empty":          func(r *http.Request) { r.SetBasicAuth("", "") },
		"not base64":     func(r *http.Request) { r.Header.Set("Authorization", "Basic shop:s3cret:ö") },
		"bearer":         func(r *http.Request) { r.Header.Set("Authorization", "Bearer c2hvcDpzM2NyZXQ6w7Y=") },
	} {
		r, _ := http.NewRequest("POST", server.URL+"/check", strings.NewReader(`{`))
		set(r)
		if got := exchange(t, r); got != `400 {"errorCode":"10001","status":"FAILED","timestamp":1698361456728}` {
			t.Errorf("%s: %s", name, got)
		}
	}
	r, _ := http.NewRequest("POST", server.URL+"/check", strings.NewReader(`{`))
	r.SetBasicAuth("shop", "s3cret:ö")
	if got := exchange(t, r); got != `400 {"errorCode":"10002","status":"FAILED","timestamp":1698361456728}` {
		t.Errorf("the right password: %s", got)
	}
}

package admin

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/id"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/provider"
	"github.com/chorsu/chorsu/internal/staff"
	"github.com/chorsu/chorsu/internal/ui"
	"github.com/chorsu/chorsu/internal/words"
)

const merchantsPath = Path + "/merchants"

// ─── The list ──────────────────────────────────────────────────────────────────────────────

type merchantsView struct {
	list
	companies func(string) string
	rows      []gateway.Merchant
}

// merchantList reads what the address of the list asks for. It is not drawn anew by itself: a merchant
// changes by people's hands only, and seldom.
func (a *admin) merchantList(r *http.Request) (l list, f gateway.MerchantFilter) {
	in := lang(r)
	sorts := orders(in, gateway.Newest, gateway.Oldest)
	states := allOr(in, choice{"on", words.MerchantOn.In(in)}, choice{"off", words.MerchantOff.In(in)})
	l = a.list(r, words.MerchantsTitle, merchantsPath, append([]filter{
		{name: "provider", label: words.Company.In(in), options: a.providers(in)},
		{name: "active", label: words.State.In(in), options: states},
	}, append(business(in), filter{name: "order", label: words.FilterOrder.In(in), options: sorts})...)...)
	l.file = true
	q := &l.asked
	f = gateway.MerchantFilter{Source: q.text("source"), Business: q.text("business"), Provider: q.among("provider", a.providers(in)), Order: gateway.Order(q.among("order", sorts))}
	if state := q.among("active", states); state != "" {
		on := state == "on"
		f.Active = &on
	}
	return l, f
}

// merchants lists every business at every company.
func (a *admin) merchants(w http.ResponseWriter, r *http.Request) {
	l, f := a.merchantList(r)
	v := merchantsView{list: l, companies: a.title}
	if !l.asked.bad {
		if err := a.looked(r.Context(), "list.seen", "merchants", narrowed(r)); err != nil {
			a.fail(w, r, err)
			return
		}
		found, err := a.o.Gateway.Merchants(r.Context(), f, l.page())
		if err != nil {
			a.fail(w, r, err)
			return
		}
		v.rows, v.next = found.Items, found.Next
	}
	a.show(w, r, merchantsPage(v))
}

// merchantsFile is the same list as a file. Credentials do not stand in it, as on no page.
func (a *admin) merchantsFile(w http.ResponseWriter, r *http.Request) {
	l, f := a.merchantList(r)
	if l.asked.bad {
		a.tell(w, r, http.StatusBadRequest, words.MerchantsTitle, words.BadFilter)
		return
	}
	head := []words.Text{
		words.Merchant, words.ColApp, words.ColShop, words.Company, words.DisplayName, words.ColState, words.OptionMode, words.AddedAt, words.CSVChanged,
	}
	a.file(w, r, "merchants", head, func(ctx context.Context, p gateway.Page) (rows [][]cell, next string, err error) {
		found, err := a.o.Gateway.Merchants(ctx, f, p)
		for _, m := range found.Items {
			state := words.MerchantOff
			if m.Active {
				state = words.MerchantOn
			}
			rows = append(rows, []cell{
				idCell(m.ID), idCell(m.Source), idCell(m.Business), textCell(a.title(m.Provider)), textCell(m.DisplayName),
				cell(state.In(l.lang)), textCell(m.Options.Mode), timeCell(m.CreatedAt), timeCell(m.UpdatedAt),
			})
		}
		return rows, found.Next, err
	})
}

// company is what a provider is called, "" for one that this program does not know.
func (a *admin) company(name string) (provider.Info, bool) {
	for _, i := range a.o.Gateway.Supported() {
		if i.Name == name {
			return i, true
		}
	}
	return provider.Info{Name: name, Title: name}, false
}

// ─── One merchant ──────────────────────────────────────────────────────────────────────────

// shop is what the page of a merchant says.
type shop struct {
	gateway.Merchant
	company  provider.Info
	standing gateway.Standing
	plain    map[string]string // credentials that are no secrets
	did      string
	credit   gateway.Credit // of a try that was just asked for, "" where none was
	said     string         // the company's own word about it
}

func (a *admin) merchantPage(w http.ResponseWriter, r *http.Request) {
	a.showMerchant(w, r, shop{did: did(r)})
}

func (a *admin) showMerchant(w http.ResponseWriter, r *http.Request, s shop) {
	ctx, merchantID := r.Context(), r.PathValue("id")
	var err error
	if !id.Valid(merchantID) {
		a.nothing(w, r)
		return
	}
	if s.Merchant, err = a.o.Gateway.Merchant(ctx, merchantID); err == nil {
		s.standing, err = a.o.Gateway.Standing(ctx, merchantID)
	}
	if err == nil {
		s.plain, err = a.o.Gateway.PlainCredentials(ctx, merchantID)
	}
	if err != nil {
		a.fail(w, r, err)
		return
	}
	s.company, _ = a.company(s.Provider)
	a.show(w, r, merchantCard(a.look(r, shopName(s.Merchant), merchantsPath), s))
}

// shopName is what a merchant is called.
func shopName(m gateway.Merchant) string {
	if m.DisplayName != "" {
		return m.DisplayName
	}
	return m.Business
}

// checkCredentials tries the credentials at the company.
func (a *admin) checkCredentials(w http.ResponseWriter, r *http.Request) {
	if !id.Valid(r.PathValue("id")) {
		a.nothing(w, r)
		return
	}
	if err := a.audit(r.Context(), "merchant.checked", r.PathValue("id"), ""); err != nil {
		a.fail(w, r, err)
		return
	}
	credit, said, err := a.o.Gateway.CheckCredentials(r.Context(), r.PathValue("id"))
	if err != nil {
		a.fail(w, r, err)
		return
	}
	a.showMerchant(w, r, shop{credit: credit, said: said})
}

// turnMerchant lets a merchant take new payments, or no more.
func (a *admin) turnMerchant(w http.ResponseWriter, r *http.Request) {
	merchantID, on := r.PathValue("id"), r.PostFormValue("active") == "on"
	what := "off"
	if on {
		what = "on"
	}
	if !id.Valid(merchantID) {
		a.nothing(w, r)
		return
	}
	err := a.try(r.Context(), "merchant."+what, merchantID, "", func() error {
		_, err := a.o.Gateway.PatchMerchant(r.Context(), merchantID, gateway.MerchantPatch{Active: &on})
		return err
	})
	if err != nil {
		a.fail(w, r, err)
		return
	}
	a.recount()
	http.Redirect(w, r, merchantsPath+"/"+merchantID+"?did="+what, http.StatusSeeOther)
}

// paste is an address that a person enters in a company's cabinet.
type paste struct{ name, url string }

// pastes are the addresses of a merchant, as its company's cabinet asks for them.
func (s shop) pastes() []paste {
	at := s.CallbackURL
	switch {
	case !s.standing.CalledBy || s.Provider == "multicard": // told with each invoice
		return nil
	case s.Provider == "click":
		return []paste{{"Prepare URL", at}, {"Complete URL", at}}
	case s.Provider == "uzum":
		var list []paste
		for _, call := range []string{"check", "create", "confirm", "reverse", "status"} {
			list = append(list, paste{"/" + call, at + "/" + call})
		}
		return list
	case s.Provider == "payme":
		return []paste{{"Endpoint URL", at}}
	}
	return []paste{{"URL", at}}
}

// whyUnchecked says why a company is not asked about the credentials.
func (s shop) whyUnchecked() words.Text {
	switch {
	case len(s.company.Fields) == 0:
		return words.CheckNothing
	case s.standing.CalledBy:
		return words.CheckNone
	}
	return words.CheckFirst
}

// step is one line of the list of what is left until real payments.
type step struct {
	done bool
	text words.Text
}

// steps are computed from what was seen.
func (s shop) steps() []step {
	list := []step{{s.Active, words.StepActive}}
	if len(s.company.Fields) > 0 {
		list = slices.Insert(list, 0, step{true, words.StepSaved})
	}
	if slices.Contains(s.company.Options, "mode") {
		list = append(list, step{s.Options.Mode != "test", words.StepLive})
	}
	if s.standing.CalledBy {
		list = append(list, step{!s.standing.Heard.IsZero() || s.standing.Paid, words.StepHeard})
	}
	list = append(list, step{s.standing.Paid, words.StepPaid}, step{s.standing.Delivered, words.StepDelivered})
	if _, refunds := s.company.Account.(provider.Refunder); refunds || s.standing.CalledBy {
		list = append(list, step{s.standing.Returned, words.StepReturned})
	}
	return list
}

// ready says whether nothing is left.
func (s shop) ready() bool {
	return !slices.ContainsFunc(s.steps(), func(x step) bool { return !x.done })
}

// ─── The form ──────────────────────────────────────────────────────────────────────────────

// shopForm is the form of a merchant, as it was typed.
type shopForm struct {
	company    provider.Info
	id         string // of the merchant that is changed, "" for a new one
	values     url.Values
	present    pay.Options // of the merchant that is changed
	hasTestKey bool
	version    int64    // of the merchant as the form shows it
	faults     []string // what is wrong, in the API's words
	trouble    string   // what is in the way besides
	exists     string   // the id of the merchant that is there already, "" where none is
}

// newMerchant asks for the company, then for what it needs.
func (a *admin) newMerchant(w http.ResponseWriter, r *http.Request) {
	l := a.look(r, words.MerchantAdd.In(lang(r)), merchantsPath)
	company, ok := a.company(r.URL.Query().Get("provider"))
	if !ok {
		a.show(w, r, chooseCompany(l, a.o.Gateway.Supported()))
		return
	}
	a.show(w, r, merchantForm(l, shopForm{company: company, values: url.Values{}}))
}

// addMerchant registers a business at a company.
func (a *admin) addMerchant(w http.ResponseWriter, r *http.Request) {
	company, ok := a.company(r.PostFormValue("provider"))
	if !ok {
		http.Redirect(w, r, merchantsPath+"/new", http.StatusSeeOther)
		return
	}
	f := shopForm{company: company, values: r.PostForm}
	patch, faults := f.read()
	source, business := strings.TrimSpace(r.PostFormValue("source")), strings.TrimSpace(r.PostFormValue("business"))
	for name, text := range map[string]string{"source": source, "businessId": business} {
		if !fitID(text) {
			faults = append(faults, `"`+name+`" must be 1 to 255 characters without control characters`)
		}
	}
	if len(faults) > 0 {
		a.showForm(w, r, f, faults)
		return
	}
	if err := a.o.Gateway.TryPatch(r.Context(), company.Name, "", patch); err != nil {
		a.formTrouble(w, r, f, err)
		return
	}
	if _, err := a.o.Office.Confirm(r.Context(), actor(r.Context()), a.proof(r)); err != nil {
		a.formTrouble(w, r, f, err)
		return
	}
	// The note says whom it will be about: the merchant has no id before it is saved.
	var got gateway.Saved[gateway.Merchant]
	err := a.try(r.Context(), "merchant.added", "", company.Name+" "+gateway.Presentable(source+"/"+business)+": "+strings.Join(f.touched(nil), ", "), func() (err error) {
		got, err = a.o.Gateway.SaveMerchant(r.Context(), gateway.MerchantInput{
			Source: source, Business: business, Provider: company.Name, Credentials: patch.Credentials,
			DisplayName: patch.DisplayName, Options: patch.Options, TestKey: patch.TestKey, New: true,
		}, gateway.Idem{})
		return err
	})
	if err != nil && code(err) == "merchant_exists" {
		f.trouble = words.MerchantExists.In(lang(r))
		if f.exists, err = a.merchantAt(r, source, business, company.Name); err != nil {
			a.fail(w, r, err)
			return
		}
		a.drawForm(w, r, http.StatusConflict, f)
		return
	}
	if err != nil {
		a.formTrouble(w, r, f, err)
		return
	}
	http.Redirect(w, r, merchantsPath+"/"+got.Value.ID+"?did=saved", http.StatusSeeOther)
}

// merchantAt is the id of a business's merchant at a company, "" where there is none.
func (a *admin) merchantAt(r *http.Request, source, business, company string) (string, error) {
	got, err := a.o.Gateway.Merchants(r.Context(), gateway.MerchantFilter{Source: source, Business: business, Provider: company}, gateway.Page{Limit: 1})
	if err != nil || len(got.Items) == 0 {
		return "", err
	}
	return got.Items[0].ID, nil
}

// editMerchant shows the form with what is no secret in it.
func (a *admin) editMerchant(w http.ResponseWriter, r *http.Request) {
	f, err := a.stored(r)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	a.show(w, r, merchantForm(a.look(r, words.MerchantChange.In(lang(r)), merchantsPath), f))
}

// stored is the form of a merchant as it is.
func (a *admin) stored(r *http.Request) (shopForm, error) {
	if !id.Valid(r.PathValue("id")) {
		return shopForm{}, &pay.Error{Code: pay.CodeNotFound, Message: "there is no such merchant"}
	}
	m, err := a.o.Gateway.Merchant(r.Context(), r.PathValue("id"))
	if err != nil {
		return shopForm{}, err
	}
	plain, err := a.o.Gateway.PlainCredentials(r.Context(), m.ID)
	if err != nil {
		return shopForm{}, err
	}
	company, _ := a.company(m.Provider)
	f := shopForm{company: company, id: m.ID, values: url.Values{"source": {m.Source}, "business": {m.Business}, "displayName": {m.DisplayName}}, present: m.Options, hasTestKey: m.HasTestKey, version: m.Version}
	for key, value := range plain {
		f.values.Set("c."+key, value)
	}
	for _, o := range merchantOptions {
		if text := o.shown(m.Options); text != "" {
			f.values.Set("o."+o.name, text)
		}
	}
	return f, nil
}

// changeMerchant saves the form. A secret that is left empty stays as it is. All but the name says who
// is paid, how much, or whom we believe: for it the owner's password and a code are asked for again.
func (a *admin) changeMerchant(w http.ResponseWriter, r *http.Request) {
	f, err := a.stored(r)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	was := f
	if err := r.ParseForm(); err != nil {
		a.fail(w, r, &pay.Error{Code: pay.CodeInvalid, Message: "the form cannot be read", Err: err})
		return
	}
	f.values = r.PostForm
	for _, key := range []string{"source", "business"} { // whose it is does not change
		f.values[key] = was.values[key]
	}
	if f.values.Get("version") != strconv.FormatInt(f.version, 10) {
		was.trouble = words.CannotChanged.In(lang(r))
		a.drawForm(w, r, http.StatusConflict, was)
		return
	}
	patch, faults := f.read()
	if len(faults) > 0 {
		a.showForm(w, r, f, faults)
		return
	}
	patch.KeepSecrets, patch.Seen = true, f.version
	if err := a.o.Gateway.TryPatch(r.Context(), f.company.Name, f.id, patch); err != nil {
		a.formTrouble(w, r, f, err)
		return
	}
	touched := append(f.touched(was.values), f.turned(was.present, *patch.Options)...)
	if len(touched) > 0 {
		if _, err := a.o.Office.Confirm(r.Context(), actor(r.Context()), a.proof(r)); err != nil {
			a.formTrouble(w, r, f, err)
			return
		}
	}
	err = a.try(r.Context(), "merchant.changed", f.id, strings.Join(touched, ", "), func() error {
		_, err := a.o.Gateway.PatchMerchant(r.Context(), f.id, patch)
		return err
	})
	if err != nil {
		a.formTrouble(w, r, f, err)
		return
	}
	http.Redirect(w, r, merchantsPath+"/"+f.id+"?did=saved", http.StatusSeeOther)
}

// formTrouble shows the form again where what was typed is at fault.
func (a *admin) formTrouble(w http.ResponseWriter, r *http.Request, f shopForm, err error) {
	if e, ok := errors.AsType[*pay.Error](err); ok && e.Code == pay.CodeInvalid {
		faults := e.Details
		if len(faults) == 0 {
			faults = []string{e.Message}
		}
		a.showForm(w, r, f, faults)
		return
	}
	if status, said, known := trouble(lang(r), err); known {
		retryIn(w.Header(), err)
		f.trouble = said
		a.drawForm(w, r, status, f)
		return
	}
	a.fail(w, r, err)
}

func (a *admin) showForm(w http.ResponseWriter, r *http.Request, f shopForm, faults []string) {
	f.faults = faults
	a.drawForm(w, r, http.StatusUnprocessableEntity, f)
}

func (a *admin) drawForm(w http.ResponseWriter, r *http.Request, status int, f shopForm) {
	title := words.MerchantAdd
	if f.id != "" {
		title = words.MerchantChange
	}
	for _, field := range f.company.Fields { // a secret is typed again, not sent back
		if field.Secret {
			f.values.Del("c." + field.Key)
		}
	}
	f.values.Del("testKey")
	ui.ShowInner(w, r, status, merchantForm(a.look(r, title.In(lang(r)), merchantsPath), f))
}

// options are those that the form offers: the company's, and the gateway's own.
func (f shopForm) options() (list []option) {
	for _, o := range merchantOptions {
		if o.everywhere || slices.Contains(f.company.Options, o.name) {
			list = append(list, o)
		}
	}
	return list
}

// takesTestKey says whether the company has a key of a test mode.
func (f shopForm) takesTestKey() bool { return slices.Contains(f.company.Options, "testKey") }

// read makes a patch of the form, and says everything that is wrong with it but what the company
// itself says.
func (f shopForm) read() (p gateway.MerchantPatch, faults []string) {
	p.Credentials = map[string]string{}
	for _, field := range f.company.Fields {
		if v := strings.TrimSpace(f.values.Get("c." + field.Key)); v != "" {
			p.Credentials[field.Key] = v
		}
	}
	name := strings.TrimSpace(f.values.Get("displayName"))
	if len(name) > 255 {
		faults = append(faults, `"displayName" length must be less than or equal to 255 characters long`)
	}
	p.DisplayName = &name
	p.Options = &f.present // what the form does not offer stays as it is
	for _, o := range f.options() {
		if !o.read(p.Options, strings.TrimSpace(f.values.Get("o."+o.name))) {
			faults = append(faults, `"options.`+o.name+`" `+o.must)
		}
	}
	switch key := strings.TrimSpace(f.values.Get("testKey")); {
	case f.values.Get("dropTestKey") != "":
		empty := ""
		p.TestKey = &empty
	case key != "" && f.takesTestKey():
		p.TestKey = &key
	}
	return p, faults
}

// touched names the credentials that the form sets anew, for the audit log. It names no value.
func (f shopForm) touched(was url.Values) (list []string) {
	for _, field := range f.company.Fields {
		value := strings.TrimSpace(f.values.Get("c." + field.Key))
		if field.Secret && value != "" || !field.Secret && value != was.Get("c."+field.Key) {
			list = append(list, field.Key)
		}
	}
	if f.values.Get("testKey") != "" || f.values.Get("dropTestKey") != "" {
		list = append(list, "testKey")
	}
	return list
}

// turned names the settings that the form changes, with what they were and are: they are no secrets.
func (f shopForm) turned(was, is pay.Options) (list []string) {
	for _, o := range f.options() {
		before, after := o.shown(was), o.shown(is)
		if before == after {
			continue
		}
		none := "none"
		switch {
		case o.flag:
			none = "off"
		case len(o.choices) > 0:
			none = o.choices[0]
		}
		list = append(list, o.name+" "+cmp.Or(before, none)+" → "+cmp.Or(after, none))
	}
	return list
}

// fitID says whether text is an id that an app may give.
func fitID(text string) bool {
	return text != "" && len(text) <= 255 && !strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c == 0x7f || c == '\uFFFD' })
}

// option is one setting of a merchant besides its credentials.
type option struct {
	name       string
	label      words.Text
	choices    []string                               // of a select; the first is the default
	flag       bool                                   // a tick
	everywhere bool                                   // the gateway's own: at every company
	must       string                                 // what is wrong where read says no
	read       func(o *pay.Options, text string) bool // sets it; "" is none, or off
	shown      func(o pay.Options) string
}

var (
	fieldName = regexp.MustCompile(`^[A-Za-z0-9_]{1,64}$`)
	taxNumber = regexp.MustCompile(`^([0-9]{9}|[0-9]{14})$`)
)

// merchantOptions are all of them, in the order of the form.
var merchantOptions = []option{
	chosen("mode", words.OptionMode, []string{"live", "test"}, func(o *pay.Options) *string { return &o.Mode }),
	named("accountField", words.OptionAccountField, fieldName, "must consist of letters, digits and _", func(o *pay.Options) *string { return &o.AccountField }),
	named("uzumAttribute", words.OptionUzumAttribute, fieldName, "must consist of letters, digits and _", func(o *pay.Options) *string { return &o.UzumAttribute }),
	chosen("amountUnit", words.OptionAmountUnit, []string{"tiyin", "som"}, func(o *pay.Options) *string { return &o.AmountUnit }),
	ticked("partialRefund", words.OptionPartialRefund, func(o *pay.Options) *bool { return &o.PartialRefund }),
	ticked("partialReversal", words.OptionPartialReversal, func(o *pay.Options) *bool { return &o.PartialReversal }),
	ticked("refuseLateCancel", words.OptionRefuseLateCancel, func(o *pay.Options) *bool { return &o.RefuseLateCancel }),
	ticked("fiscalise", words.OptionFiscalise, func(o *pay.Options) *bool { return &o.Fiscalise }),
	ticked("directCharge", words.OptionDirectCharge, func(o *pay.Options) *bool { return &o.DirectCharge }),
	ticked("reconcileNightly", words.OptionReconcileNightly, func(o *pay.Options) *bool { return &o.ReconcileNightly }),
	atAll(ticked("refundEvents", words.OptionRefundEvents, func(o *pay.Options) *bool { return &o.RefundEvents })),
	atAll(named("ownTin", words.OptionOwnTIN, taxNumber, "must be 9 or 14 digits", func(o *pay.Options) *string { return &o.OwnTIN })),
	atAll(option{
		name: "callbackFrom", label: words.OptionCallbackFrom, must: "must be networks such as 195.158.26.90/32, a space between",
		read: func(o *pay.Options, text string) bool {
			o.CallbackFrom = nil
			for _, network := range strings.FieldsFunc(text, func(c rune) bool { return c == ' ' || c == ',' || c == '\n' || c == '\r' || c == '\t' }) {
				if _, err := netip.ParsePrefix(network); err != nil || len(o.CallbackFrom) == 64 {
					return false
				}
				o.CallbackFrom = append(o.CallbackFrom, network)
			}
			return true
		},
		shown: func(o pay.Options) string { return strings.Join(o.CallbackFrom, " ") },
	}),
}

func atAll(o option) option { o.everywhere = true; return o }

// chosen is an option with fixed values. The default is stored as "".
func chosen(name string, label words.Text, choices []string, at func(*pay.Options) *string) option {
	return option{
		name: name, label: label, choices: choices, must: "must be one of [" + strings.Join(choices, ", ") + "]",
		read: func(o *pay.Options, text string) bool {
			*at(o) = text
			if text == choices[0] {
				*at(o) = ""
			}
			return text == "" || slices.Contains(choices, text)
		},
		shown: func(o pay.Options) string { return *at(&o) },
	}
}

func named(name string, label words.Text, form *regexp.Regexp, must string, at func(*pay.Options) *string) option {
	return option{
		name: name, label: label, must: must,
		read: func(o *pay.Options, text string) bool {
			*at(o) = text
			return text == "" || form.MatchString(text)
		},
		shown: func(o pay.Options) string { return *at(&o) },
	}
}

func ticked(name string, label words.Text, at func(*pay.Options) *bool) option {
	return option{
		name: name, label: label, flag: true, must: "must be on or off",
		read: func(o *pay.Options, text string) bool {
			*at(o) = text == "on"
			return text == "" || text == "on"
		},
		shown: func(o pay.Options) string {
			if *at(&o) {
				return "on"
			}
			return ""
		},
	}
}

// owner says whether the one who looks may change merchants.
func (l look) owner() bool { return l.me.Role.May(staff.Owner) }

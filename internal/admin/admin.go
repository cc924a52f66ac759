// Package admin is what the shop's own people see, below /admin: how they sign in, and every page
// behind that.
//
// routes is its table of contents: a page stands there with the least role that it needs, and
// nothing is served that does not. Everything is drawn by the server and works without a script.
// What somebody looks at or does is noted in the audit log before it is shown or done; what cannot
// be noted is not.
package admin

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/a-h/templ"

	"github.com/chorsu/chorsu/internal/gateway"
	"github.com/chorsu/chorsu/internal/news"
	"github.com/chorsu/chorsu/internal/pay"
	"github.com/chorsu/chorsu/internal/staff"
	"github.com/chorsu/chorsu/internal/ui"
	"github.com/chorsu/chorsu/internal/words"
)

// Path is where the handler is mounted.
const Path = "/admin"

// Options is what the pages are made of. All but Test are required.
type Options struct {
	Gateway *gateway.Gateway
	Office  *staff.Office
	Client  func(context.Context) netip.Addr // whom a request came from, past trusted proxies
	HTTPS   bool                             // people reach the pages by https

	News *news.Board // where pages hear that something is new: of Pulse
	// Receiver says what is wrong with an address for webhooks, if anything is.
	Receiver func(address string) error

	PublicURL string           // before /admin, for links that are given to people
	Now       func() time.Time // the gateway's time, for what the pages show
	Logger    *slog.Logger
	Test      bool // test mode: every page says so
}

type admin struct {
	o     Options
	pages *http.ServeMux
	looks looks
	tally tally
}

// New returns the handler of /admin and what is below it.
func New(o Options) (http.Handler, error) {
	a := &admin{o: o, pages: http.NewServeMux()}
	for _, r := range a.routes() {
		a.pages.Handle(r.pattern, a.guarded(r))
	}
	a.pages.HandleFunc("/", a.nothing)
	return a.protected(a.limited(a.pages)), nil
}

// route is one page or action.
type route struct {
	pattern string     // of http.ServeMux
	least   staff.Role // who may; "": anybody, signed in or not
	seen    string     // the word in the audit log for having looked at {id}; "": not noted here
	serve   http.HandlerFunc
}

// routes is the table of contents. An action (POST) notes itself, with what it does; a page is
// noted by its word.
func (a *admin) routes() []route {
	return []route{
		// What happens to money.
		{"GET /admin/{$}", staff.Viewer, "", a.inbox},
		{"GET /admin/live/{id}", staff.Viewer, "", a.live},
		{"POST /admin/search", staff.Viewer, "", a.find},
		{"GET /admin/search", staff.Viewer, "", a.search},
		{"GET /admin/invoices", staff.Viewer, "", a.invoices},
		{"GET /admin/invoices.csv", staff.Viewer, "", a.invoicesFile},
		{"GET /admin/invoices/{id}", staff.Viewer, "", a.invoice},
		{"POST /admin/invoices/{id}/notify", staff.Support, "", a.notify},
		{"POST /admin/invoices/{id}/cancel", staff.Support, "", a.cancel},
		{"POST /admin/invoices/{id}/receipt", staff.Support, "", a.receipt},
		{"POST /admin/invoices/{id}/ask", staff.Support, "", a.ask},
		{"POST /admin/invoices/{id}/decide", staff.Refunds, "", a.decide},
		{"POST /admin/invoices/{id}/acknowledge", staff.Refunds, "", a.acknowledge},
		{"GET /admin/invoices/{id}/refund", staff.Refunds, "", a.refundForm},
		{"POST /admin/invoices/{id}/refund", staff.Refunds, "", a.refund},
		{"POST /admin/approvals/{id}/confirm", staff.Refunds, "", a.confirmRefund},
		{"POST /admin/approvals/{id}/refuse", staff.Refunds, "", a.refuseRefund},
		{"GET /admin/refunds", staff.Viewer, "", a.refunds},
		{"GET /admin/refunds.csv", staff.Viewer, "", a.refundsFile},
		{"GET /admin/payouts", staff.Viewer, "", a.payouts},
		{"GET /admin/payouts.csv", staff.Viewer, "", a.payoutsFile},
		{"GET /admin/payouts/{id}", staff.Viewer, "", a.payoutPage},
		{"POST /admin/payouts/{id}/decide", staff.Refunds, "", a.decidePayout},
		{"POST /admin/payouts/{id}/acknowledge", staff.Refunds, "", a.acknowledgePayout},
		{"POST /admin/payouts/{id}/ask", staff.Support, "", a.askPayout},
		{"POST /admin/payouts/{id}/notify", staff.Support, "", a.tellPayout},
		{"POST /admin/unsent/{id}/confirm", staff.Refunds, "", a.confirmUnsent},
		{"POST /admin/unsent/{id}/refuse", staff.Refunds, "", a.refuseUnsent},
		{"GET /admin/reconciliations", staff.Viewer, "", a.compared},
		{"GET /admin/reconciliations.csv", staff.Viewer, "", a.comparedFile},
		{"GET /admin/reconciliations/{id}", staff.Viewer, "", a.dayPage},
		{"POST /admin/reconciliations/{id}/settle", staff.Refunds, "", a.settleDifference},
		{"POST /admin/reconciliations/{id}/acknowledge", staff.Refunds, "", a.acknowledgeDay},
		{"GET /admin/stuck", staff.Viewer, "", a.stuck},
		{"GET /admin/stuck.csv", staff.Viewer, "", a.stuckFile},
		{"POST /admin/stuck", staff.Support, "", a.retry},
		{"GET /admin/deliveries", staff.Viewer, "", a.deliveries},
		{"GET /admin/deliveries.csv", staff.Viewer, "", a.deliveriesFile},

		// Merchants, tills, staff, audit.
		{"GET /admin/merchants", staff.Viewer, "", a.merchants},
		{"GET /admin/merchants.csv", staff.Viewer, "", a.merchantsFile},
		{"GET /admin/merchants/new", staff.Owner, "", a.newMerchant},
		{"POST /admin/merchants", staff.Owner, "", a.addMerchant},
		{"GET /admin/merchants/{id}", staff.Viewer, "merchant.seen", a.merchantPage},
		{"GET /admin/merchants/{id}/edit", staff.Owner, "merchant.seen", a.editMerchant},
		{"POST /admin/merchants/{id}", staff.Owner, "", a.changeMerchant},
		{"POST /admin/merchants/{id}/active", staff.Owner, "", a.turnMerchant},
		{"POST /admin/merchants/{id}/check", staff.Support, "", a.checkCredentials},
		{"GET /admin/tills", staff.Viewer, "", a.tills},
		{"GET /admin/tills.csv", staff.Viewer, "", a.tillsFile},
		{"GET /admin/tills/new", staff.Owner, "", a.newTill},
		{"POST /admin/tills", staff.Owner, "", a.addTill},
		{"GET /admin/tills/{id}", staff.Viewer, "till.seen", a.tillPage},
		{"POST /admin/tills/{id}/revoke", staff.Owner, "", a.revokeTill},
		{"GET /admin/staff", staff.Owner, "", a.staffPage},
		{"GET /admin/staff.csv", staff.Owner, "", a.staffFile},
		{"POST /admin/staff", staff.Owner, "", a.addStaff},
		{"POST /admin/staff/limit", staff.Owner, "", a.setLimit},
		{"GET /admin/staff/{id}", staff.Owner, "staff.seen", a.personPage},
		{"POST /admin/staff/{id}/role", staff.Owner, "", a.setRole},
		{"POST /admin/staff/{id}/disable", staff.Owner, "", a.disableStaff},
		{"POST /admin/staff/{id}/enable", staff.Owner, "", a.enableStaff},
		{"POST /admin/staff/{id}/reset-totp", staff.Owner, "", a.resetTOTP},
		{"GET /admin/audit", staff.Owner, "", a.auditPage},
		{"GET /admin/audit.csv", staff.Owner, "", a.auditFile},
		{"POST /admin/audit/verify", staff.Owner, "", a.verifyAudit},

		// One's own account.
		{"GET /admin/account", staff.Viewer, "", a.accountPage},
		{"POST /admin/account/password", staff.Viewer, "", a.changePassword},
		{"POST /admin/account/recovery", staff.Viewer, "", a.newRecovery},
		{"POST /admin/account/keys", staff.Viewer, "", a.setKeys},
		{"POST /admin/account/sign-out", staff.Viewer, "", a.signOutEverywhere},
		{"GET /admin/login", "", "", a.loginPage},
		{"POST /admin/login", "", "", a.login},
		{"POST /admin/logout", staff.Viewer, "", a.logout},
		{"GET /admin/enrol/{token}", "", "", a.enrolPage},
		{"POST /admin/enrol/{token}", "", "", a.enrol},
	}
}

// maxForm bounds what a form may send.
const maxForm = 64 << 10

// protected is what every request passes first: a form that another site's page sent is refused
// (the session's cookie does not travel with it either), and nothing is kept by a cache.
func (a *admin) protected(next http.Handler) http.Handler {
	csrf := http.NewCrossOriginProtection()
	csrf.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.tell(w, r, http.StatusForbidden, words.ForeignTitle, words.ForeignText)
	}))
	return csrf.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == Path {
			http.Redirect(w, r, Path+"/", http.StatusMovedPermanently)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		next.ServeHTTP(w, r)
	}))
}

// guarded serves a route to those who may.
func (a *admin) guarded(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.keepLang(w, r)
		if rt.least == "" {
			rt.serve(w, r)
			return
		}
		r, ok := a.identified(w, r)
		if !ok {
			return
		}
		if !me(r.Context()).Role.May(rt.least) {
			a.forbid(w, r, rt.pattern)
			return
		}
		if rt.seen != "" {
			if err := a.audit(r.Context(), rt.seen, r.PathValue("id"), ""); err != nil {
				a.fail(w, r, err)
				return
			}
		}
		rt.serve(w, r)
	})
}

// forbid answers whoever asks for what their role may not, and notes it.
func (a *admin) forbid(w http.ResponseWriter, r *http.Request, what string) {
	if err := a.audit(r.Context(), "access.refused", "", what); err != nil {
		a.fail(w, r, err)
		return
	}
	a.tell(w, r, http.StatusForbidden, words.NotAllowedTitle, words.NotAllowedText)
}

// audit notes what the one who is signed in does. Whoever gets an error does not do it.
func (a *admin) audit(ctx context.Context, what, subject, detail string) error {
	return a.o.Office.Note(ctx, actor(ctx), what, subject, detail)
}

// ─── Answers ───────────────────────────────────────────────────────────────────────────────

// nothing answers an address that leads nowhere.
func (a *admin) nothing(w http.ResponseWriter, r *http.Request) {
	if r, ok := a.identified(w, r); ok {
		a.tell(w, r, http.StatusNotFound, words.NoPageTitle, words.NoStaffPage)
	}
}

// fail answers for a use case that ended in an error. A page that can say more says it itself.
func (a *admin) fail(w http.ResponseWriter, r *http.Request, err error) {
	e, ok := errors.AsType[*pay.Error](err)
	switch {
	case ok && e.Code == pay.CodeNotFound:
		a.tell(w, r, http.StatusNotFound, words.NoPageTitle, words.NoStaffPage)
	case ok && e.Code == pay.CodeConflict:
		a.tell(w, r, http.StatusConflict, words.NotNowTitle, words.NotNowText)
	case ok && e.Code == pay.CodeInvalid:
		a.tell(w, r, http.StatusBadRequest, words.NotNowTitle, words.NotNowText)
	default:
		a.o.Logger.ErrorContext(r.Context(), "a staff page cannot be shown", "error", err)
		a.tell(w, r, http.StatusServiceUnavailable, words.StaffOopsTitle, words.StaffOopsText)
	}
}

// tell is a page of one message.
func (a *admin) tell(w http.ResponseWriter, r *http.Request, status int, title, text words.Text) {
	ui.ShowInner(w, r, status, message(a.look(r, title.In(lang(r)), ""), text.In(lang(r))))
}

// show answers with a page.
func (a *admin) show(w http.ResponseWriter, r *http.Request, page templ.Component) {
	ui.ShowInner(w, r, http.StatusOK, page)
}

// look is what the frame of a page says.
type look struct {
	title string
	here  string // the address of the entry of the menu that the page belongs to
	lang  words.Lang
	me    staff.Person
	test  bool
	keys  string // "off": single letters do nothing in this browser
	link  func(words.Lang) string
}

func (a *admin) look(r *http.Request, title, here string) look {
	return look{title: title, here: here, lang: lang(r), me: me(r.Context()), test: a.o.Test, keys: keys(r), link: a.inLang(r, here)}
}

// entry is one line of the menu.
type entry struct {
	url   string
	title words.Text
	least staff.Role
}

// menu is where one can go, in groups.
var menu = [][]entry{
	{
		{Path + "/", words.Inbox, staff.Viewer},
		{Path + "/invoices", words.MenuInvoices, staff.Viewer},
		{Path + "/refunds", words.MenuRefunds, staff.Viewer},
		{payoutsPath, words.MenuPayouts, staff.Viewer},
		{Path + "/stuck", words.MenuStuck, staff.Viewer},
		{Path + "/deliveries", words.MenuDeliveries, staff.Viewer},
	},
	{
		{merchantsPath, words.MerchantsTitle, staff.Viewer},
		{tillsPath, words.TillsTitle, staff.Viewer},
		{auditPath, words.AuditTitle, staff.Owner},
		{staffPath, words.StaffTitle, staff.Owner},
	},
}

// may says whether the menu shows an entry.
func (l look) may(e entry) bool { return l.me.Role.May(e.least) }

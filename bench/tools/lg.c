/* lg: small load generator for HTTP/1.1.
 *   lg closed  -u http://host:port/path -c CONNECTIONS -d SECONDS [-b BODY]                    closed loop
 *   lg open    -u http://host:port/path -r RATE -d SECONDS [-c CONNECTIONS] [-b BODY]  open loop, fixed rate
 *   lg oneshot -u http(s)://host:port/path -n COUNT [-g GAP_MS] [-b BODY]        new TCP(+TLS) connection per call
 * Further: -m METHOD, -k API-KEY (sent as X-MBX-APIKEY), -w SECONDS of warm-up that are not counted.
 * Prints one line of JSON; latencies in microseconds, exact percentiles (all samples kept).
 *   sched = from the intended send time (corrected for coordinated omission), svc = from the real send.
 * build: gcc -O2 -o lg lg.c -lssl -lcrypto
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ns(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000000LL + t.tv_nsec; }
static void die(const char *m) { fprintf(stderr, "lg: %s: %s\n", m, strerror(errno)); exit(2); }

static char host[256], path[2048], port[16]; static int tls;
static void parse_url(const char *u) {
  if (!strncmp(u, "https://", 8)) { tls = 1; u += 8; } else if (!strncmp(u, "http://", 7)) u += 7; else { fprintf(stderr, "bad url\n"); exit(2); }
  const char *s = strchr(u, '/'); size_t hl = s ? (size_t)(s - u) : strlen(u);
  char hp[300]; memcpy(hp, u, hl); hp[hl] = 0;
  char *c = strchr(hp, ':'); if (c) { *c = 0; strcpy(port, c + 1); } else strcpy(port, tls ? "443" : "80");
  strcpy(host, hp); strcpy(path, s ? s : "/");
}
static struct sockaddr_in sa;
static void resolve(void) {
  struct addrinfo h = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *r;
  if (getaddrinfo(host, port, &h, &r)) { fprintf(stderr, "resolve\n"); exit(2); }
  memcpy(&sa, r->ai_addr, sizeof sa); freeaddrinfo(r);
}

/* response parser state */
typedef struct { char h[16384]; int hl; int in_body; int64_t need; int chunked; int status; int cst; int64_t crem; char cl[32]; int cll; int close; } Resp;
static void resp_reset(Resp *r) { r->hl = 0; r->in_body = 0; r->need = -1; r->chunked = 0; r->status = 0; r->cst = 0; r->crem = 0; r->cll = 0; r->close = 0; }
static char *hdr(char *h, const char *name) { char *p = h; size_t n = strlen(name);
  while ((p = strstr(p, "\r\n"))) { p += 2; if (!strncasecmp(p, name, n) && p[n] == ':') { p += n + 1; while (*p == ' ') p++; return p; } } return NULL; }
/* feed bytes; returns 1 when the response is complete */
static int resp_feed(Resp *r, const char *b, int n) {
  int i = 0;
  if (!r->in_body) {
    int old = r->hl; int take = n; if (r->hl + take > (int)sizeof(r->h) - 1) take = sizeof(r->h) - 1 - r->hl;
    memcpy(r->h + r->hl, b, take); r->hl += take; r->h[r->hl] = 0;
    char *e = memmem(r->h, r->hl, "\r\n\r\n", 4);
    if (!e) return 0;
    int hlen = (e - r->h) + 4; i = hlen - old; r->h[hlen] = 0; r->in_body = 1;
    r->status = atoi(r->h + 9);
    char *v = hdr(r->h, "content-length"); if (v) r->need = atoll(v);
    v = hdr(r->h, "transfer-encoding"); if (v && !strncasecmp(v, "chunked", 7)) r->chunked = 1;
    v = hdr(r->h, "connection"); if (v && !strncasecmp(v, "close", 5)) r->close = 1;
    if (!r->chunked && (r->need == 0 || r->status == 204 || r->status == 304)) return 1;
  }
  if (r->chunked) {
    for (; i < n; ) {
      if (r->cst == 0) { char c = b[i++]; if (c == '\n') { r->cl[r->cll] = 0; r->crem = strtoll(r->cl, 0, 16); r->cll = 0; r->cst = r->crem ? 1 : 3; } else if (r->cll < 31) r->cl[r->cll++] = c; }
      else if (r->cst == 1) { int64_t t = n - i < r->crem ? n - i : r->crem; i += t; r->crem -= t; if (!r->crem) r->cst = 2; }
      else if (r->cst == 2) { if (b[i++] == '\n') r->cst = 0; }
      else { char c = b[i++]; if (c == '\n') { if (r->cll == 0) return 1; r->cll = 0; } else if (c != '\r') r->cll = 1; }
    }
    return 0;
  }
  if (r->need >= 0) { r->need -= n - i; return r->need <= 0; }
  return 0; /* read until close */
}

static int cmp(const void *a, const void *b) { int64_t x = *(int64_t *)a, y = *(int64_t *)b; return x < y ? -1 : x > y; }
static double pct(int64_t *a, int n, double p) { if (!n) return -1; int i = (int)(p * n + 0.999999) - 1; if (i < 0) i = 0; if (i >= n) i = n - 1; return a[i] / 1000.0; }
static void out(const char *k, int64_t *a, int n) { qsort(a, n, sizeof *a, cmp); double s = 0; for (int i = 0; i < n; i++) s += a[i];
  printf("\"%s\":{\"n\":%d,\"mean\":%.1f,\"min\":%.1f,\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f}", k, n, n ? s / n / 1000.0 : -1, pct(a, n, 0), pct(a, n, .5), pct(a, n, .9), pct(a, n, .99), pct(a, n, .999), pct(a, n, 1)); }

static char reqbuf[8192], keyline[256], *order_id; static int reqlen; static uint64_t serial;
/* An order that says the id of another one is a repetition, which the proxy refuses: each has 16 hexadecimal digits of its own, as a library makes them. */
static void next_request(void) { static const char hex[] = "0123456789abcdef"; if (!order_id) return; uint64_t left = serial++; for (int i = 15; i >= 0; i--, left >>= 4) order_id[i] = hex[left & 15]; }
static void mkreq(const char *m, const char *body, int close_) {
  int bl = body ? strlen(body) : 0;
  reqlen = snprintf(reqbuf, sizeof reqbuf, "%s %s HTTP/1.1\r\nHost: %s:%s\r\nUser-Agent: lg/1\r\nAccept: */*\r\n%s%s", m, path, host, port, keyline, close_ ? "Connection: close\r\n" : "");
  if (body) reqlen += snprintf(reqbuf + reqlen, sizeof reqbuf - reqlen, "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", bl, body);
  else reqlen += snprintf(reqbuf + reqlen, sizeof reqbuf - reqlen, "\r\n");
  if ((order_id = strstr(reqbuf, "newClientOrderId="))) { order_id += strlen("newClientOrderId="); if (strlen(order_id) < 16) die("newClientOrderId is shorter than 16"); serial = now_ns(); }
}

typedef struct { int fd; int busy; int64_t sched, sent; Resp r; } Conn;
static int dial(void) { int f = socket(AF_INET, SOCK_STREAM, 0); if (f < 0) die("socket"); int o = 1; setsockopt(f, IPPROTO_TCP, TCP_NODELAY, &o, sizeof o);
  if (connect(f, (struct sockaddr *)&sa, sizeof sa)) die("connect"); return f; }

static double cpu_s(void) { struct rusage u; getrusage(RUSAGE_SELF, &u); return u.ru_utime.tv_sec + u.ru_stime.tv_sec + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6; }

static int run_open(double rate, double secs, int maxc, double warm) {
  int ep = epoll_create1(0); Conn *cs = calloc(maxc, sizeof *cs);
  int *idle = malloc(maxc * sizeof(int)); int ni = 0;
  for (int i = 0; i < maxc; i++) { cs[i].fd = dial(); fcntl(cs[i].fd, F_SETFL, O_NONBLOCK); struct epoll_event e = {.events = EPOLLIN, .data.u32 = i}; epoll_ctl(ep, EPOLL_CTL_ADD, cs[i].fd, &e); }
  for (int i = maxc - 1; i >= 0; i--) idle[ni++] = i; /* stack: reuse the warmest connection */
  int64_t total = (int64_t)(rate * secs); double iv = 1e9 / rate;
  int64_t *a = malloc(sizeof(int64_t) * (total + 1)), *b = malloc(sizeof(int64_t) * (total + 1)), *late = malloc(sizeof(int64_t) * (total + 1)); int done = 0, nrec = 0, nlate = 0; int64_t errs = 0, non2xx = 0, reconn = 0;
  int64_t start = now_ns() + 2000000, skip = start + (int64_t)(warm * 1e9); int64_t next = 0; int64_t *q = malloc(sizeof(int64_t) * (total + 1)); int qh = 0, qt = 0; int maxq = 0;
  int64_t deadline = start + (int64_t)(secs * 1e9) + 5000000000LL; char buf[65536]; struct epoll_event ev[64];
  while (done < total) {
    int64_t t = now_ns(); if (t > deadline) break;
    while (next < total && start + (int64_t)(next * iv) <= t) { q[qt++] = start + (int64_t)(next * iv); next++; }
    if (qt - qh > maxq) maxq = qt - qh;
    while (qh < qt && ni > 0) {
      int i = idle[--ni]; Conn *c = &cs[i]; c->sched = q[qh++]; c->busy = 1; resp_reset(&c->r); c->sent = now_ns();
      if (c->sched >= skip) late[nlate++] = c->sent - c->sched;
      next_request(); int w = write(c->fd, reqbuf, reqlen); if (w != reqlen) { errs++; done++; c->busy = 0; close(c->fd); c->fd = dial(); fcntl(c->fd, F_SETFL, O_NONBLOCK); struct epoll_event e = {.events = EPOLLIN, .data.u32 = i}; epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e); idle[ni++] = i; }
    }
    int64_t wait = 100000000; if (next < total) { wait = start + (int64_t)(next * iv) - now_ns(); if (wait < 0) wait = 0; }
    struct timespec ts = {wait / 1000000000, wait % 1000000000};
    int n = epoll_pwait2(ep, ev, 64, &ts, NULL);
    for (int k = 0; k < n; k++) { int i = ev[k].data.u32; Conn *c = &cs[i];
      int r = read(c->fd, buf, sizeof buf);
      if (r < 0 && errno == EAGAIN) continue;
      int fin = 0, bad = 0;
      if (r <= 0) { if (c->busy) { if (c->r.in_body && c->r.need < 0 && !c->r.chunked) fin = 1; else { bad = 1; } } else reconn++; }
      else if (c->busy) fin = resp_feed(&c->r, buf, r);
      int64_t t2 = now_ns();
      if (fin) { done++; c->busy = 0; if (c->r.status / 100 != 2) non2xx++; if (c->sched >= skip) { a[nrec] = t2 - c->sched; b[nrec] = t2 - c->sent; nrec++; } }
      if (bad) { errs++; done++; c->busy = 0; }
      if (r <= 0 || (fin && c->r.close)) { close(c->fd); c->fd = dial(); fcntl(c->fd, F_SETFL, O_NONBLOCK); struct epoll_event e = {.events = EPOLLIN, .data.u32 = i}; epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e); }
      if (fin || bad) idle[ni++] = i;
    }
  }
  double el = (now_ns() - start) / 1e9;
  printf("{\"mode\":\"open\",\"rate\":%.0f,\"achieved\":%.1f,\"sent\":%ld,\"done\":%d,\"errors\":%ld,\"non2xx\":%ld,\"reconn\":%ld,\"maxq\":%d,\"cpu\":%.3f,", rate, done / el, (long)qh, done, (long)errs, (long)non2xx, (long)reconn, maxq, cpu_s());
  out("sched", a, nrec); printf(","); out("svc", b, nrec); printf(","); out("late", late, nlate); printf("}\n"); return 0;
}


static void send_next(Conn *c) { resp_reset(&c->r); next_request(); c->sent = now_ns(); c->busy = write(c->fd, reqbuf, reqlen) == reqlen; }
static void open_conn(int ep, Conn *cs, int i) { cs[i].fd = dial(); fcntl(cs[i].fd, F_SETFL, O_NONBLOCK); struct epoll_event e = {.events = EPOLLIN, .data.u32 = i}; epoll_ctl(ep, EPOLL_CTL_ADD, cs[i].fd, &e); }
static int run_closed(int conns, double secs, double warm) {
  int ep = epoll_create1(0); Conn *cs = calloc(conns, sizeof *cs); char buf[65536]; struct epoll_event ev[64];
  size_t room = 1 << 20; int64_t *a = malloc(room * sizeof *a), errs = 0, non2xx = 0; size_t n = 0;
  for (int i = 0; i < conns; i++) open_conn(ep, cs, i);
  int64_t skip = now_ns() + (int64_t)(warm * 1e9), end = skip + (int64_t)(secs * 1e9), t = 0;
  for (int i = 0; i < conns; i++) send_next(&cs[i]);
  while ((t = now_ns()) < end) {
    int k = epoll_wait(ep, ev, 64, 100);
    for (int j = 0; j < k; j++) { int i = ev[j].data.u32; Conn *c = &cs[i]; int r = read(c->fd, buf, sizeof buf);
      if (r < 0 && errno == EAGAIN) continue;
      int fin = r > 0 && c->busy && resp_feed(&c->r, buf, r);
      if (fin) { int64_t t2 = now_ns(); if (c->r.status / 100 != 2) non2xx++; if (c->sent >= skip) { if (n == room) a = realloc(a, (room *= 2) * sizeof *a); a[n++] = t2 - c->sent; } }
      else if (r <= 0 && c->busy) errs++;
      if (r <= 0 || (fin && c->r.close)) { close(c->fd); open_conn(ep, cs, i); }
      if (r <= 0 || fin) send_next(c); } }
  printf("{\"mode\":\"closed\",\"done\":%zu,\"errors\":%ld,\"non2xx\":%ld,\"rps\":%.1f,\"cpu\":%.3f,", n, (long)errs, (long)non2xx, n / ((t - skip) / 1e9), cpu_s());
  out("svc", a, n); printf("}\n"); return 0;
}

static int run_oneshot(int n, int gap_ms) {
  SSL_CTX *ctx = NULL; if (tls) { ctx = SSL_CTX_new(TLS_client_method()); SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, 0); SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF); }
  int64_t *a = malloc(sizeof(int64_t) * n), *cn = malloc(sizeof(int64_t) * n); int k = 0; int errs = 0, non2xx = 0; char buf[65536]; const char *ver = "";
  Resp *r = malloc(sizeof *r);
  for (int i = 0; i < n; i++) {
    int64_t t0 = now_ns(); int f = dial(); SSL *s = NULL;
    if (tls) { s = SSL_new(ctx); SSL_set_fd(s, f); SSL_set_tlsext_host_name(s, host); if (SSL_connect(s) != 1) { ERR_print_errors_fp(stderr); errs++; close(f); continue; } ver = SSL_get_version(s); }
    int64_t t1 = now_ns(); resp_reset(r); next_request(); int ok = 0;
    if ((s ? SSL_write(s, reqbuf, reqlen) : (int)write(f, reqbuf, reqlen)) == reqlen)
      for (;;) { int g = s ? SSL_read(s, buf, sizeof buf) : (int)read(f, buf, sizeof buf); if (g <= 0) { ok = r->in_body && r->need < 0 && !r->chunked; break; } if (resp_feed(r, buf, g)) { ok = 1; break; } }
    int64_t t2 = now_ns(); if (!ok) errs++; else { if (r->status / 100 != 2) non2xx++; a[k] = t2 - t0; cn[k] = t1 - t0; k++; }
    if (s) { SSL_free(s); } close(f);
    if (gap_ms) usleep(gap_ms * 1000);
  }
  printf("{\"mode\":\"oneshot\",\"tls\":\"%s\",\"errors\":%d,\"non2xx\":%d,", ver, errs, non2xx); out("total", a, k); printf(","); out("connect", cn, k); printf("}\n"); return 0;
}

int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN); prctl(PR_SET_TIMERSLACK, 1UL);
  if (argc < 2) { fprintf(stderr, "usage: lg closed|open|oneshot ...\n"); return 2; }
  const char *mode = argv[1], *u = NULL, *m = NULL, *b = NULL; double rate = 100, secs = 5, warm = 0.5; int c = 64, n = 50, gap = 0;
  for (int i = 2; i + 1 < argc; i += 2) { const char *k = argv[i], *v = argv[i + 1];
    if (!strcmp(k, "-u")) u = v; else if (!strcmp(k, "-r")) rate = atof(v); else if (!strcmp(k, "-d")) secs = atof(v); else if (!strcmp(k, "-c")) c = atoi(v); else if (!strcmp(k, "-n")) n = atoi(v);
    else if (!strcmp(k, "-g")) gap = atoi(v); else if (!strcmp(k, "-m")) m = v; else if (!strcmp(k, "-b")) b = v; else if (!strcmp(k, "-k")) snprintf(keyline, sizeof keyline, "X-MBX-APIKEY: %s\r\n", v); else if (!strcmp(k, "-w")) warm = atof(v); }
  if (!u) { fprintf(stderr, "-u missing\n"); return 2; }
  parse_url(u); resolve(); if (!m) m = b ? "POST" : "GET";
  if (!strcmp(mode, "closed")) { mkreq(m, b, 0); return run_closed(c, secs, warm); }
  if (!strcmp(mode, "open")) { mkreq(m, b, 0); return run_open(rate, secs, c, warm); }
  if (!strcmp(mode, "oneshot")) { mkreq(m, b, 1); return run_oneshot(n, gap); }
  return 2;
}

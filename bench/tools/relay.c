/* relay: a TCP relay with the delay of a distant peer, exact to some ten microseconds.
 *   relay PORT TARGET-PORT ROUND-TRIP-MS
 * Half a round trip each way, and one round trip before the first byte, which is what opening the connection would
 * have taken. Loopback only; ends with SIGTERM.
 * build: gcc -O2 -o relay relay.c
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

typedef struct Piece { int64_t due; ssize_t length; struct Piece *next; char bytes[]; } Piece;
/* One direction of a connection; a piece of length 0 is its end. */
typedef struct Way { int from, to, ended; int64_t open_at; Piece *first, *last; struct Way *back, *next; } Way;

static Way *ways;
static int poll_fd;

static void die(const char *what) { perror(what); exit(2); }
static int64_t now_ns(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000000LL + t.tv_nsec; }
static struct sockaddr_in loopback(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}
static int tcp_socket(void) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
  if (fd < 0) die("socket");
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  return fd;
}
static void no_delay(int fd) { int on = 1; setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); }

static Way *add_way(int from, int to, int64_t open_at) {
  Way *way = calloc(1, sizeof *way);
  *way = (Way){.from = from, .to = to, .open_at = open_at, .next = ways};
  ways = way;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = way};
  if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, from, &event)) die("epoll_ctl");
  return way;
}

static void open_pair(int listener, int target, int64_t round_trip) {
  int near = accept(listener, NULL, NULL);
  if (near < 0) return;
  int far = tcp_socket();
  struct sockaddr_in address = loopback(target);
  if (connect(far, (struct sockaddr *)&address, sizeof address)) { close(near); close(far); return; }
  no_delay(near); no_delay(far);
  int64_t open_at = now_ns() + round_trip;
  Way *up = add_way(near, far, open_at), *down = add_way(far, near, open_at);
  up->back = down; down->back = up;
}

static void take(Way *way, int64_t one_way) {
  static char buffer[65536];
  ssize_t length = read(way->from, buffer, sizeof buffer);
  if (length <= 0) { length = 0; epoll_ctl(poll_fd, EPOLL_CTL_DEL, way->from, NULL); }
  Piece *piece = malloc(sizeof *piece + length);
  int64_t now = now_ns();
  *piece = (Piece){.due = (now > way->open_at ? now : way->open_at) + one_way, .length = length};
  for (ssize_t i = 0; i < length; i++) piece->bytes[i] = buffer[i];
  if (way->last) way->last->next = piece; else way->first = piece;
  way->last = piece;
}

/* Hands on what is due; returns when the next piece is, or -1. */
static int64_t hand_on(void) {
  int64_t next = -1, now = now_ns();
  for (Way **at = &ways; *at;) {
    Way *way = *at;
    while (way->first && way->first->due <= now) {
      Piece *piece = way->first;
      for (ssize_t done = 0, n; done < piece->length; done += n) if ((n = write(way->to, piece->bytes + done, piece->length - done)) <= 0) break;
      if (piece->length == 0) { way->ended = 1; shutdown(way->to, SHUT_WR); }
      way->first = piece->next;
      if (!way->first) way->last = NULL;
      free(piece);
    }
    if (way->first && (next < 0 || way->first->due < next)) next = way->first->due;
    /* The second of the two that ends closes both; each is freed once. */
    if (way->ended && (!way->back || way->back->ended)) {
      if (way->back) way->back->back = NULL; else { close(way->from); close(way->to); }
      *at = way->next;
      free(way);
    } else at = &way->next;
  }
  return next;
}

int main(int argc, char **argv) {
  if (argc != 4) { fprintf(stderr, "usage: relay PORT TARGET-PORT ROUND-TRIP-MS\n"); return 2; }
  signal(SIGPIPE, SIG_IGN); prctl(PR_SET_TIMERSLACK, 1UL);
  int64_t round_trip = (int64_t)(atof(argv[3]) * 1e6);
  int listener = tcp_socket();
  struct sockaddr_in address = loopback(atoi(argv[1]));
  if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 512)) die("listen");
  poll_fd = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[64];
  if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, listener, &event)) die("epoll_ctl");
  for (;;) {
    int64_t next = hand_on(), wait = next < 0 ? 1000000000LL : next - now_ns();
    if (wait < 0) wait = 0;
    struct timespec pause = {wait / 1000000000, wait % 1000000000};
    int count = epoll_pwait2(poll_fd, events, 64, &pause, NULL);
    for (int i = 0; i < count; i++) {
      if (events[i].data.ptr == NULL) open_pair(listener, atoi(argv[2]), round_trip);
      else take(events[i].data.ptr, round_trip / 2);
    }
  }
}

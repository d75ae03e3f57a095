/* The floor in C: one epoll loop that wakes for every message. It accepts
 * connections, and when all are there sends each of them frames of recorded sizes
 * on an absolute schedule: one memcpy and one write(2) a frame. Every message
 * that comes costs one read(2) and is thrown away. There is nothing else, no
 * backpressure either: a bound, not a server.
 *
 *   floor CONNS GROUP HZ SECONDS SIZES
 *
 * GROUP connections belong to one match and are written in one go; matches are
 * spread over the period. SIZES is the file that `bench floor` writes.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <netinet/tcp.h>
#include <time.h>
#include <unistd.h>

#define CONNS_MAX 8192
#define FRAME_MAX (1 << 20)
#define BILLION 1000000000LL

static uint32_t *sizes, snapshots, seats;
static unsigned char body[FRAME_MAX], out[FRAME_MAX], in[4096];
static int fds[CONNS_MAX];

static void die(const char *what) {
  perror(what);
  exit(1);
}

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * BILLION + t.tv_nsec;
}

static void load(const char *name) {
  FILE *f = fopen(name, "rb");
  if (!f || fread(&snapshots, 4, 1, f) != 1 || fread(&seats, 4, 1, f) != 1) die(name);
  size_t n = (size_t)snapshots * seats;
  if (n == 0 || n > 1u << 26 || !(sizes = malloc(4 * n)) || fread(sizes, 4, n, f) != n) die(name);
  for (size_t i = 0; i < n; i++)
    if (sizes[i] > FRAME_MAX || (sizes[i] > 0 && sizes[i] < 2)) die("sizes");
  fclose(f);
}

/* frame copies a WebSocket frame of n bytes in all to out. */
static void frame(uint32_t n) {
  memcpy(out, body, n);
  out[0] = 0x82;
  if (n < 128) {
    out[1] = n - 2;
  } else if (n < 65536 + 4) {
    out[1] = 126, out[2] = (n - 4) >> 8, out[3] = (n - 4) & 255;
  } else {
    out[1] = 127, memset(out + 2, 0, 4);
    for (int i = 0; i < 4; i++) out[6 + i] = (n - 10) >> (24 - 8 * i) & 255;
  }
}

static void send_frame(int fd, uint32_t n) {
  frame(n);
  for (uint32_t done = 0; done < n;) {
    ssize_t k = write(fd, out + done, n - done);
    if (k > 0) {
      done += k;
    } else if (errno == EAGAIN) {
      if (done == 0) return; /* the reader is behind: this one is dropped */
      struct pollfd p = {fd, POLLOUT, 0};
      poll(&p, 1, 100);
    } else {
      return;
    }
  }
}

static void arm(int timer, int64_t at) {
  struct itimerspec t = {{0, 0}, {at / BILLION, at % BILLION}};
  if (timerfd_settime(timer, TFD_TIMER_ABSTIME, &t, NULL)) die("timerfd_settime");
}

int main(int argc, char **argv) {
  if (argc != 6) die("floor CONNS GROUP HZ SECONDS SIZES");
  int conns = atoi(argv[1]), group = atoi(argv[2]), hz = atoi(argv[3]), seconds = atoi(argv[4]);
  if (conns < 1 || conns > CONNS_MAX || group < 1 || conns % group || hz < 1 || seconds < 1) die("arguments");
  load(argv[5]);
  if ((int)seats != group) die("sizes are for another number of players");

  struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof addr;
  int ln = socket(AF_INET, SOCK_STREAM, 0);
  if (ln < 0 || bind(ln, (void *)&addr, len) || listen(ln, 4096) || getsockname(ln, (void *)&addr, &len)) die("listen");
  printf("listening 127.0.0.1:%d\n", ntohs(addr.sin_port));
  fflush(stdout);

  int ep = epoll_create1(0), timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  if (ep < 0 || timer < 0) die("epoll");
  for (int i = 0; i < conns; i++) {
    int one = 1, fd = accept4(ln, NULL, NULL, SOCK_NONBLOCK);
    if (fd < 0) die("accept");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e)) die("epoll_ctl");
    fds[i] = fd;
  }
  struct epoll_event e = {.events = EPOLLIN, .data.fd = timer};
  if (epoll_ctl(ep, EPOLL_CTL_ADD, timer, &e)) die("epoll_ctl");

  int64_t start = now(), groups = conns / group, slot = 0;
  /* Slot s is snapshot s/groups of match s%groups. */
#define DUE(s) (start + (s) * BILLION / (hz * groups))
  arm(timer, DUE(slot));
  while (now() - start < seconds * BILLION) {
    struct epoll_event got[64];
    int n = epoll_wait(ep, got, 64, 1000);
    for (int i = 0; i < n; i++) {
      int fd = got[i].data.fd;
      if (fd != timer) {
        ssize_t k = read(fd, in, sizeof in);
        if (k == 0 || (k < 0 && errno != EAGAIN)) return 0; /* the load is over */
        continue;
      }
      uint64_t times;
      if (read(timer, &times, 8) != 8) continue;
      for (int64_t t = now(); DUE(slot) <= t; slot++) {
        int64_t first = slot % groups * group;
        uint32_t *row = sizes + slot / groups % snapshots * seats;
        for (int c = 0; c < group; c++)
          if (row[c]) send_frame(fds[first + c], row[c]);
      }
      arm(timer, DUE(slot));
    }
  }
  return 0;
}

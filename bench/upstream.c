// The upstream of the benchmark: one thread, epoll, answers prepared in advance, so that as little as possible of the
// machine goes to anything but the proxy under test. It reads request bodies to their end before it answers.
//   GET /1k → 1 KiB    GET /1m → 1 MiB    POST anything → the number of body bytes that came
// Prints its port (given by the system) and serves until it is killed. Not an HTTP server for any other purpose.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { IN_MAX = 256 * 1024, EVENTS = 256 };

struct answer {
  char *bytes;
  size_t length;
};

struct connection {
  int fd;
  int waits_to_write;
  size_t head_have;
  int in_body;
  int chunked;
  long body_left;
  long body_seen;
  char tail[5];
  const char *out;
  size_t out_left;
  char small[160];
  char head[16 * 1024];
};

static char in[IN_MAX];
static struct answer small_answer, large_answer;
static int epoll;

static struct answer prepare(size_t size) {
  char head[200];
  int n = snprintf(head, sizeof head,
                   "HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Type: application/octet-stream\r\n"
                   "Content-Length: %zu\r\n\r\n", size);
  struct answer a = {malloc(n + size), n + size};
  memcpy(a.bytes, head, n);
  memset(a.bytes + n, 'x', size);
  return a;
}

static void watch(struct connection *c, int op, unsigned events) {
  struct epoll_event e = {.events = events, .data.ptr = c};
  epoll_ctl(epoll, op, c->fd, &e);
}

static void drop(struct connection *c) {
  close(c->fd);
  free(c);
}

// Returns 0 where the connection is gone.
static int flush(struct connection *c) {
  while (c->out_left > 0) {
    ssize_t n = send(c->fd, c->out, c->out_left, MSG_NOSIGNAL);
    if (n < 0 && errno == EAGAIN) {
      if (!c->waits_to_write) watch(c, EPOLL_CTL_MOD, EPOLLOUT);
      c->waits_to_write = 1;
      return 1;
    }
    if (n < 0) return drop(c), 0;
    c->out += n;
    c->out_left -= n;
  }
  if (c->waits_to_write) watch(c, EPOLL_CTL_MOD, EPOLLIN);
  c->waits_to_write = 0;
  return 1;
}

static void answer(struct connection *c) {
  if (c->in_body) {
    char body[32];
    int n = snprintf(body, sizeof body, "%ld", c->body_seen);
    c->out_left = snprintf(c->small, sizeof c->small, "HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Length: %d\r\n\r\n%s", n, body);
    c->out = c->small;
  } else {
    struct answer *a = strncmp(c->head, "GET /1m", 7) == 0 ? &large_answer : &small_answer;
    c->out = a->bytes;
    c->out_left = a->length;
  }
  c->in_body = 0;
  c->head_have = 0;
}

static const char *field(const char *head, const char *name) {
  const char *at = strcasestr(head, name);
  return at == NULL ? NULL : at + strlen(name);
}

// A chunked body ends with these five bytes; the bodies of the benchmark do not hold them.
static int tail_ends(struct connection *c, const char *data, size_t n) {
  for (size_t i = n > 5 ? n - 5 : 0; i < n; i++) {
    memmove(c->tail, c->tail + 1, 4);
    c->tail[4] = data[i];
  }
  return memcmp(c->tail, "0\r\n\r\n", 5) == 0;
}

static int body_ended(struct connection *c, const char *data, size_t n) {
  c->body_seen += n;
  if (c->chunked) return tail_ends(c, data, n);
  c->body_left -= n;
  return c->body_left <= 0;
}

// Returns 0 where the connection is gone.
static int take(struct connection *c, const char *data, size_t n) {
  if (c->in_body) {
    if (body_ended(c, data, n)) answer(c);
    return 1;
  }
  if (c->head_have + n >= sizeof c->head && memmem(data, n, "\r\n\r\n", 4) == NULL) return drop(c), 0;
  size_t room = sizeof c->head - 1 - c->head_have, copied = n < room ? n : room;
  memcpy(c->head + c->head_have, data, copied);
  size_t before = c->head_have;
  c->head_have += copied;
  c->head[c->head_have] = 0;
  char *end = strstr(c->head, "\r\n\r\n");
  if (end == NULL) return 1;
  end[2] = 0;
  size_t rest = n - ((size_t)(end + 4 - c->head) - before);
  const char *length = field(c->head, "\r\ncontent-length:"), *coding = field(c->head, "\r\ntransfer-encoding:");
  c->in_body = strncmp(c->head, "POST", 4) == 0;
  c->chunked = coding != NULL;
  c->body_left = length == NULL ? 0 : atol(length);
  c->body_seen = 0;
  if (!c->in_body || body_ended(c, data + n - rest, rest)) answer(c);
  return 1;
}

static void readable(struct connection *c) {
  ssize_t n = recv(c->fd, in, sizeof in, 0);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) return drop(c);
  if (!take(c, in, n)) return;
  if (c->out_left > 0) flush(c);
  // A proxy that sends a body with Nagle's algorithm on would wait 40 ms for a delayed ACK of ours; the benchmark is
  // not about that.
  else if (c->in_body) setsockopt(c->fd, IPPROTO_TCP, TCP_QUICKACK, &(int){1}, sizeof(int));
}

static void accept_all(int listener) {
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    if (fd < 0) return;
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct connection *c = calloc(1, sizeof *c);
    c->fd = fd;
    watch(c, EPOLL_CTL_ADD, EPOLLIN);
  }
}

int main(void) {
  small_answer = prepare(1024);
  large_answer = prepare(1024 * 1024);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof at;
  if (bind(listener, (struct sockaddr *)&at, size) < 0 || listen(listener, 4096) < 0) return perror("listen"), 1;
  getsockname(listener, (struct sockaddr *)&at, &size);
  printf("%d\n", ntohs(at.sin_port));
  fflush(stdout);
  epoll = epoll_create1(0);
  struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL}, ready[EVENTS];
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &e);
  for (;;) {
    int n = epoll_wait(epoll, ready, EVENTS, -1);
    for (int i = 0; i < n; i++) {
      struct connection *c = ready[i].data.ptr;
      if (c == NULL) accept_all(listener);
      else if (c->waits_to_write) flush(c);
      else readable(c);
    }
  }
}

/* A mail server that takes every message, throws it away and notes when it began: as fast as a
 * provider can be, so that it is not what is measured. PIPELINING as RFC 2920 has it. One thread,
 * epoll.
 *
 * smtp_sink <log file>: prints its port, on loopback. A line of the log is a message that was
 * taken: its Message-ID, then when its MAIL command arrived, in nanoseconds of CLOCK_REALTIME and
 * of CLOCK_MONOTONIC. The log is written out whenever nothing happens for a moment. Ends on
 * SIGTERM.
 */
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
#include <time.h>
#include <unistd.h>

#define LINE_BYTES 4096
#define OUT_BYTES 65536
#define ID_BYTES 256
#define EVENTS 64
#define IDLE_MS 20

struct client {
    int socket, in_data, in_header, line_length, out_length;
    long long real, mono;
    char line[LINE_BYTES], out[OUT_BYTES], id[ID_BYTES];
};

static FILE *taken;

static long long now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int flush_answers(struct client *c)
{
    for (int sent = 0; sent < c->out_length;) {
        ssize_t n = send(c->socket, c->out + sent, c->out_length - sent, MSG_NOSIGNAL);
        /* Sockets block: a client that never reads is a fault of the benchmark. */
        if (n <= 0) return -1;
        sent += n;
    }
    c->out_length = 0;
    return 0;
}

static int answer(struct client *c, const char *text)
{
    int length = strlen(text);
    if (c->out_length + length > OUT_BYTES && flush_answers(c)) return -1;
    memcpy(c->out + c->out_length, text, length);
    c->out_length += length;
    return 0;
}

static int data_line(struct client *c)
{
    if (strcmp(c->line, ".") == 0) {
        c->in_data = 0;
        fprintf(taken, "%s %lld %lld\n", c->id[0] ? c->id : "-", c->real, c->mono);
        return answer(c, "250 2.0.0 Ok\r\n");
    }
    if (c->line_length == 0) c->in_header = 0;
    if (c->in_header && strncasecmp(c->line, "Message-ID:", 11) == 0)
        sscanf(c->line + 11, " <%255[^@>]", c->id);
    return 0;
}

/* A command with everything the client may have written behind it: answers leave together. Returns
 * -1 to close. */
static int command_line(struct client *c)
{
    if (strncasecmp(c->line, "MAIL", 4) == 0) {
        c->real = now(CLOCK_REALTIME);
        c->mono = now(CLOCK_MONOTONIC);
        c->id[0] = 0;
        return answer(c, "250 2.1.0 Ok\r\n");
    }
    if (strncasecmp(c->line, "DATA", 4) == 0) {
        c->in_data = c->in_header = 1;
        return answer(c, "354 End data with <CR><LF>.<CR><LF>\r\n");
    }
    if (strncasecmp(c->line, "EHLO", 4) == 0)
        return answer(c, "250-sink\r\n250-PIPELINING\r\n250-SIZE 104857600\r\n"
                         "250-SMTPUTF8\r\n250 8BITMIME\r\n");
    if (strncasecmp(c->line, "QUIT", 4) == 0) {
        answer(c, "221 2.0.0 Bye\r\n");
        flush_answers(c);
        return -1;
    }
    return answer(c, "250 2.0.0 Ok\r\n");
}

static int received(struct client *c, const char *bytes, ssize_t count)
{
    for (ssize_t i = 0; i < count; i++) {
        if (bytes[i] != '\n') {
            if (c->line_length < LINE_BYTES - 1) c->line[c->line_length++] = bytes[i];
            continue;
        }
        if (c->line_length && c->line[c->line_length - 1] == '\r') c->line_length--;
        c->line[c->line_length] = 0;
        int failed = c->in_data ? data_line(c) : command_line(c);
        c->line_length = 0;
        if (failed) return -1;
    }
    return flush_answers(c);
}

static int listen_on_loopback(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) || listen(listener, 128))
        exit(1);
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

static void add(int poll, int socket, struct client *client)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    if (epoll_ctl(poll, EPOLL_CTL_ADD, socket, &event)) exit(1);
}

static void greet(int poll, int listener)
{
    struct client *c = calloc(1, sizeof *c);
    int yes = 1;
    if (!c || (c->socket = accept(listener, NULL, NULL)) < 0) exit(1);
    setsockopt(c->socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    add(poll, c->socket, c);
    answer(c, "220 sink ESMTP\r\n");
    flush_answers(c);
}

static void serve(struct client *c)
{
    char bytes[65536];
    ssize_t count = recv(c->socket, bytes, sizeof bytes, 0);
    if (count <= 0 || received(c, bytes, count)) {
        close(c->socket);
        free(c);
    }
}

int main(int argc, char **argv)
{
    if (argc != 2 || !(taken = fopen(argv[1], "w"))) return 2;
    int listener = listen_on_loopback(), poll = epoll_create1(0);
    add(poll, listener, NULL);
    for (;;) {
        struct epoll_event events[EVENTS];
        int count = epoll_wait(poll, events, EVENTS, IDLE_MS);
        if (count == 0) fflush(taken);
        if (count < 0 && errno != EINTR) return 1;
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr) serve(events[i].data.ptr);
            else greet(poll, listener);
        }
    }
}

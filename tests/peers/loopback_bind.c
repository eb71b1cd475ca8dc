/* For a server that can only listen on all interfaces: preloaded, it makes that the loopback ones. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netinet/in.h>
#include <sys/socket.h>

int bind(int socket, const struct sockaddr *address, socklen_t size)
{
    int (*real)(int, const struct sockaddr *, socklen_t);
    struct sockaddr_storage moved = {0};
    struct sockaddr_in *four = (struct sockaddr_in *)&moved;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&moved;

    *(void **)&real = dlsym(RTLD_NEXT, "bind");
    if (size > sizeof moved)
        return real(socket, address, size);
    __builtin_memcpy(&moved, address, size);
    if (moved.ss_family == AF_INET)
        four->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (moved.ss_family == AF_INET6)
        six->sin6_addr = in6addr_loopback;
    return real(socket, (struct sockaddr *)&moved, size);
}

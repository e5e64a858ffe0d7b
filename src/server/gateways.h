#pragma once

/// Which gateways this program has. A gateway's folder may be deleted, and everything else still builds.
#if __has_include("gateway/remoting/server.h")
#define POSTHORN_WITH_REMOTING 1
#else
#define POSTHORN_WITH_REMOTING 0
#endif

#if __has_include("gateway/amqp/server.h")
#define POSTHORN_WITH_AMQP 1
#else
#define POSTHORN_WITH_AMQP 0
#endif

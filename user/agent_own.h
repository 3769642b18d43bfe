/* SPDX-License-Identifier: GPL-2.0 */
/* The TCP connection that an agent's standard input and output go through, if any */
#ifndef PKTLAP_AGENT_OWN_H
#define PKTLAP_AGENT_OWN_H

#include <stddef.h>

/*
 * The SSH_CONNECTION of this process, or of the nearest one above it that has one (sudo keeps it
 * from its children): "ADDR PORT ADDR PORT" of client and server. "": none, or not to be read.
 */
void agent_own_ssh(char *own, size_t len);

#endif

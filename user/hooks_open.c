// SPDX-License-Identifier: GPL-2.0
/* The object of the programs, fitted to this kernel */
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hooks_cast.h"
#include "hooks_int.h"
#include "pktlap.skel.h"

int hooks_open(const struct hooks *h, struct pktlap_bpf **out)
{
	struct pktlap_bpf *skel = calloc(1, sizeof(*skel));
	struct bpf_object_skeleton *s;
	void *image = NULL;
	int err;

	if (!skel)
		return -ENOMEM;
	err = pktlap_bpf__create_skeleton(skel);
	if (err)
		goto out;
	s = skel->skeleton;
	image = malloc(s->data_sz);
	if (!image) {
		err = -ENOMEM;
		goto out;
	}
	memcpy(image, s->data, s->data_sz);
	if (h->cast_func)
		cast_splice(h->cast_func, image, s->data_sz);
	/* libbpf keeps copies of what it needs of the image */
	s->data = image;
	err = bpf_object__open_skeleton(s, NULL);
	if (!err)
		skel->rodata->cfg_cast = h->cast_func != 0;
out:
	free(image);
	if (err) {
		pktlap_bpf__destroy(skel);
		return err;
	}
	*out = skel;
	return 0;
}

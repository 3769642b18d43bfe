// SPDX-License-Identifier: GPL-2.0
/* The object of the programs, fitted to this kernel, with what selects packets put into it */
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "filter.h"
#include "hooks_cast.h"
#include "hooks_int.h"
#include "pktlap.skel.h"

/* A copy of the object's image, with the filter and the calls of this kernel's function in it */
static int image_make(const struct hooks_config *cfg, int func, const struct bpf_object_skeleton *s,
		      void **out)
{
	void *image = malloc(s->data_sz);

	if (!image)
		return -ENOMEM;
	*out = image;
	memcpy(image, s->data, s->data_sz);
	if (func && !cast_splice(func, image, s->data_sz))
		return -ENOEXEC;
	if (cfg->filter && filter_splice(cfg->filter, image, s->data_sz) != 1)
		return -ENOEXEC;
	return 0;
}

int hooks_open(const struct hooks_config *cfg, int func, struct pktlap_bpf **out)
{
	struct pktlap_bpf *skel = calloc(1, sizeof(*skel));
	void *image = NULL;
	int err;

	if (!skel)
		return -ENOMEM;
	err = pktlap_bpf__create_skeleton(skel);
	if (!err)
		err = image_make(cfg, func, skel->skeleton, &image);
	if (!err) {
		/* libbpf keeps copies of what it needs of the image */
		skel->skeleton->data = image;
		err = bpf_object__open_skeleton(skel->skeleton, NULL);
	}
	free(image);
	if (err) {
		pktlap_bpf__destroy(skel);
		return err;
	}
	skel->rodata->cfg_cast = func != 0;
	skel->rodata->cfg_select = cfg->filter || cfg->sample || cfg->follow_nat;
	skel->rodata->cfg_filter = cfg->filter;
	skel->rodata->cfg_sample = cfg->sample;
	skel->rodata->cfg_follow_nat = cfg->follow_nat;
	*out = skel;
	return 0;
}

# SPDX-License-Identifier: GPL-2.0
# Programs with faults, for the hazards' tests and benchmark: included by the Makefile. They are
# built on the kernel's own headers, as other people's programs are.
UAPI_BPF_CFLAGS = -std=gnu11 -O2 -g -target bpf -mcpu=v3 -Wall -Wextra -Werror -Wno-unused-parameter \
		  -idirafter /usr/include/$(shell $(CC) -print-multiarch)

$(B)/tests/netns/%.bpf.o: tests/netns/%.bpf.c | deps-build
	@mkdir -p $(@D)
	$(call say,BPF,$<)$(CLANG) $(UAPI_BPF_CFLAGS) -c $< -o $@

build-netns build-vm: $(B)/tests/netns/hazard.bpf.o $(B)/tests/netns/hazardprog
build-netns: $(B)/bench/printk.bpf.o

$(B)/tests/netns/hazardprog: tests/netns/hazardprog.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(cflags) $(CFLAGS) -o $@ $< $(ldlibs)

$(B)/bench/printk.bpf.o: tools/bench/printk.bpf.c | deps-build
	@mkdir -p $(@D)
	$(call say,BPF,$<)$(CLANG) $(UAPI_BPF_CFLAGS) -c $< -o $@

.PHONY: bench-printk
bench-printk: all deps-test deps-bench $(TRAFFIC) $(B)/bench/printk.bpf.o ## measure what a bpf_printk in an XDP forwarder costs; writes results/printk.md (root)
	$(Q)tools/bench/run printk

# SPDX-License-Identifier: GPL-2.0
# What the tier bpf needs: included by the Makefile. Variables are those of the Makefile.

# --- BTF: what vmlinux/ and the catalogue say, against kernels -------------------------------
btf_out	 := $(B)/tests/btf
btf_sigs := $(patsubst bpf/%.bpf.c,$(btf_out)/sig/%.o,$(filter-out bpf/maps.bpf.c,$(bpf_src)))
btf_src	 := $(filter-out %.bpf.c,$(wildcard tests/btf/*.c))

$(btf_out)/sig/%.o: bpf/%.bpf.c tests/btf/sig.bpf.h | deps-build
	@mkdir -p $(@D)
	$(call say,BPF/SIG,$<)$(CLANG) $(BPF_CFLAGS) -Ibpf -Wno-unused-function -MMD -MP -include tests/btf/sig.bpf.h -c $< -o $@

# one variable of each struct, so that none is left out of BTF for not being used
$(btf_out)/types.inc: $(wildcard vmlinux/*.h)
	@mkdir -p $(@D)
	$(Q)sed -n 's/^struct \([a-zA-Z0-9_]*\) {$$/struct \1 type_\1;/p' \
		$(filter-out vmlinux/regs.h,$^) >$@

$(btf_out)/types.bpf.o: $(btf_out)/types.inc
$(btf_out)/%.bpf.o: tests/btf/%.bpf.c $(wildcard vmlinux/*.h) | deps-build
	@mkdir -p $(@D)
	$(call say,BPF,$<)$(CLANG) $(BPF_CFLAGS) -I$(btf_out) -c $< -o $@

$(btf_out)/btf_check: $(btf_src) $(wildcard tests/btf/*.h) $(B)/libpktlap.a | deps-test
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(cflags) -Itests/btf $(CFLAGS) -o $@ $(btf_src) $(B)/libpktlap.a $(ldlibs)

build-bpf: $(btf_out)/btf_check $(btf_out)/types.bpf.o $(btf_out)/wrong.bpf.o $(btf_sigs)

-include $(btf_sigs:.o=.d)

# --- BPF: programs by test run ---------------------------------------------------------------
bpft_out := $(B)/tests/bpf
bpft_src := $(wildcard tests/bpf/test_*.c)
bpft_lib := $(filter-out %.bpf.c $(bpft_src),$(wildcard tests/bpf/*.c))
bpft_bin := $(bpft_src:tests/bpf/%.c=$(bpft_out)/%)

$(bpft_out)/run.bpf.o: tests/bpf/run.bpf.c tests/bpf/run.h | deps-build
	@mkdir -p $(@D)
	$(call say,BPF,$<)$(CLANG) $(BPF_CFLAGS) -Ibpf -MMD -MP -c $< -o $@

# what it uses as extern comes first, see the Makefile
$(bpft_out)/run.linked.o: $(patsubst bpf/%.bpf.c,$(B)/bpf/%.bpf.o,$(bpf_first)) $(bpft_out)/run.bpf.o
	$(call say,LINK,$@)$(BPFTOOL) gen object $@ $^

$(bpft_out)/run.skel.h: $(bpft_out)/run.linked.o
	$(call say,SKEL,$@)$(BPFTOOL) gen skeleton $< name run_bpf >$@.tmp && mv $@.tmp $@

$(bpft_bin): $(bpft_out)/%: tests/bpf/%.c $(bpft_lib) $(wildcard tests/bpf/*.h) $(bpft_out)/run.skel.h $(skel) \
		$(B)/libpktlap.a | deps-test
	$(call say,CC,$<)$(CC) $(cflags) -Itests/bpf -I$(bpft_out) $(CFLAGS) -o $@ $< $(bpft_lib) \
		$(B)/libpktlap.a -lcmocka $(ldlibs)

build-bpf: $(bpft_bin)

-include $(bpft_out)/run.bpf.d

# SPDX-License-Identifier: GPL-2.0
# Fuzzers of what reads strangers' bytes; the sources that they need, built for it
fuzz_src := json_build util trace_read trace_write trace_hide guest_stream agent_proto catalogue
fuzz_san := -fsanitize=address,undefined -fno-sanitize-recover=all
fuzz_obj := $(fuzz_src:%=$(B)/fuzz/%.o)
fuzz_bin := $(B)/fuzz/fuzz_trace $(B)/fuzz/fuzz_agent $(B)/fuzz/seed

$(fuzz_obj): $(B)/fuzz/%.o: user/%.c | $(skel)
	@mkdir -p $(@D)
	$(call say,CC/FUZZ,$<)$(CLANG) $(cflags) -O1 -g $(fuzz_san) -fsanitize=fuzzer-no-link -MMD -MP -c $< -o $@

$(B)/fuzz/fuzz_%: tests/fuzz/fuzz_%.c tests/fuzz/fuzz.h $(fuzz_obj) | deps-test
	$(call say,CC/FUZZ,$<)$(CLANG) $(cflags) -O1 -g $(fuzz_san) -fsanitize=fuzzer -o $@ $< $(fuzz_obj) -lzstd -ljansson -lz

$(B)/fuzz/seed: tests/fuzz/seed.c tests/fuzz/fuzz.h $(fuzz_obj) | deps-test
	$(call say,CC/FUZZ,$<)$(CLANG) $(cflags) -O1 -g $(fuzz_san) -fsanitize=fuzzer-no-link -o $@ $< $(fuzz_obj) -lzstd -ljansson -lz

.PHONY: fuzz fuzz-bin
fuzz-bin: $(fuzz_bin)
fuzz: $(fuzz_bin) ## fuzz what reads recordings and agents' streams, for FUZZ_SECONDS (60)
	$(Q)FUZZ_SECONDS=$${FUZZ_SECONDS:-60} tests/fuzz/run.sh

-include $(fuzz_obj:.o=.d)

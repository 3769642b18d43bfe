# SPDX-License-Identifier: GPL-2.0
# pktlap: `make help` lists the targets

VERSION	:= 0.1.0
B	?= build
CLANG	?= clang
BPFTOOL	?= bpftool
PROTOC_C ?= protoc-c
PKG_CONFIG ?= pkg-config
PREFIX	?= /usr/local
DESTDIR	?=
KERNEL	?= 6.12

# Kernel types and argument registers differ by architecture; names as in libbpf's bpf_tracing.h
ARCH	?= $(shell uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')

V	?= 0
ifeq ($(V),0)
Q	:= @
say	= @printf '  %-8s%s\n' '$(1)' '$(2)';
else
Q	:=
say	=
endif

LIBS	:= libbpf libelf libdw zlib libzstd jansson libmnl libprotobuf-c libpcap
WARN	:= -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
CFLAGS	?= -O2 -g
cflags	= -std=gnu11 $(WARN) -D_GNU_SOURCE -DPKTLAP_VERSION='"$(VERSION)"' -I. -I$(B) -Iuser \
	  $(shell $(PKG_CONFIG) --cflags $(LIBS))
ldlibs	= $(shell $(PKG_CONFIG) --libs $(LIBS)) -lcap -lm
SAN	:= -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

BPF_CFLAGS := -std=gnu11 -O2 -g -target bpf -mcpu=v3 -D__TARGET_ARCH_$(ARCH) -Wall -Wextra -Werror \
	      -Wno-unused-parameter -I. -Ivmlinux

# what others use as extern first: bpftool 7.1's linker forgets the offset of a definition that
# follows its extern
bpf_first := bpf/maps.bpf.c bpf/select.bpf.c
bpf_src	 := $(bpf_first) $(filter-out $(bpf_first),$(wildcard bpf/*.bpf.c))
bpf_obj	 := $(bpf_src:bpf/%.bpf.c=$(B)/bpf/%.bpf.o)
skel	 := $(B)/pktlap.skel.h $(B)/vmm.skel.h
proto	 := $(B)/perfetto.pb-c
user_src := $(wildcard user/*.c)
lib_obj	 := $(patsubst user/%.c,$(B)/user/%.o,$(filter-out user/main.c,$(user_src))) \
	    $(B)/user/perfetto.pb-c.o
lib_san	 := $(lib_obj:$(B)/user/%=$(B)/san/user/%)
unit_src := $(wildcard tests/unit/test_*.c)
unit_bin := $(unit_src:tests/unit/%.c=$(B)/tests/unit/%)
unit_san := $(unit_src:tests/unit/%.c=$(B)/san/tests/unit/%)

.PHONY: all
all: deps-build $(B)/pktlap ## build the binary, build/pktlap (the default)

.PHONY: agent
agent: deps-build $(B)/pktlap-agent ## build the agent as one static file to copy into guests
	@printf '%s, %s bytes\n' $(B)/pktlap-agent "$$(stat -c %s $(B)/pktlap-agent)"

.PHONY: deps-build deps-test deps-lint deps-lab deps-bench
deps-build deps-test deps-lint deps-lab deps-bench: deps-%:
	$(Q)tools/deps.sh $*

# Everything that compiles waits for the packages, without being rebuilt for it
$(bpf_obj) $(skel) $(lib_obj) $(lib_san) $(B)/user/main.o: | deps-build

# --- BPF: one object from all layers, one skeleton -------------------------------------------
$(B)/bpf/%.bpf.o: bpf/%.bpf.c
	@mkdir -p $(@D)
	$(call say,BPF,$<)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c $< -o $@

$(B)/pktlap.bpf.o: $(bpf_obj) Makefile
	$(call say,BPFLINK,$@)$(BPFTOOL) gen object $@ $(bpf_obj)

# the iterator that reads a VMM's files, apart: it is loaded to look at the host, not to record
$(B)/vmm.bpf.o: bpf/vmm/vmm.bpf.c bpf/vmm/vmm.h $(wildcard vmlinux/*.h) | deps-build
	@mkdir -p $(@D)
	$(call say,BPF,$<)$(CLANG) $(BPF_CFLAGS) -Ibpf/vmm -c $< -o $@

$(B)/%.skel.h: $(B)/%.bpf.o
	$(call say,SKEL,$@)$(BPFTOOL) gen skeleton $< name $*_bpf >$@.tmp && mv $@.tmp $@

# --- user space ------------------------------------------------------------------------------
$(proto).c $(proto).h &: user/perfetto.proto | deps-build
	@mkdir -p $(B)
	$(call say,PROTO,$<)$(PROTOC_C) --proto_path=user --c_out=$(B) perfetto.proto

$(B)/user/%.o: $(B)/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(cflags) $(CFLAGS) -c $< -o $@

$(B)/san/user/%.o: $(B)/%.c
	@mkdir -p $(@D)
	$(call say,CC/SAN,$<)$(CC) $(cflags) -O1 -g $(SAN) -c $< -o $@

$(B)/user/%.o: user/%.c | $(skel) $(proto).h
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(cflags) $(CFLAGS) -MMD -MP -c $< -o $@

$(B)/san/user/%.o: user/%.c | $(skel) $(proto).h
	@mkdir -p $(@D)
	$(call say,CC/SAN,$<)$(CC) $(cflags) -O1 -g $(SAN) -MMD -MP -c $< -o $@

$(B)/libpktlap.a: $(lib_obj)
	$(call say,AR,$@)rm -f $@ && $(AR) rcs $@ $^

$(B)/san/libpktlap.a: $(lib_san)
	$(call say,AR,$@)rm -f $@ && $(AR) rcs $@ $^

$(B)/pktlap: $(B)/user/main.o $(B)/libpktlap.a
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(ldlibs)

$(B)/san/pktlap: $(B)/san/user/main.o $(B)/san/libpktlap.a
	$(call say,LD,$@)$(CC) $(SAN) $(LDFLAGS) -o $@ $^ $(ldlibs)

# --- the agent as one static file: what is in user/static replaces what a small image lacks ----
static_src := $(wildcard user/static/*.c)
static_obj := $(static_src:user/%.c=$(B)/user/%.o)
static_lib := $(filter-out $(static_obj:$(B)/user/static/%=$(B)/user/%),$(lib_obj))
static_libs = $(shell $(PKG_CONFIG) --static --libs libbpf libelf zlib libzstd jansson) -lcap -lm

$(static_obj): $(B)/user/static/%.o: user/static/%.c | deps-build
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(cflags) $(CFLAGS) -MMD -MP -c $< -o $@

$(B)/libagent.a: $(static_obj) $(static_lib)
	$(call say,AR,$@)rm -f $@ && $(AR) rcs $@ $(filter-out %/main.o,$^)

$(B)/pktlap-agent: $(B)/user/static/main.o $(B)/libagent.a
	$(call say,LD,$@)$(CC) $(CFLAGS) -static $(LDFLAGS) -o $@.full $^ $(static_libs)
	$(Q)strip -o $@ $@.full && rm $@.full

# --- benchmarks ------------------------------------------------------------------------------
$(B)/bench.bpf.o: tools/bench/bench.bpf.c bpf/catalogue.h bpf/event.h | deps-build
	@mkdir -p $(@D)
	$(call say,BPF,$<)$(CLANG) $(BPF_CFLAGS) -c $< -o $@

$(B)/bench.skel.h: $(B)/bench.bpf.o
	$(call say,SKEL,$@)$(BPFTOOL) gen skeleton $< name bench_bpf >$@.tmp && mv $@.tmp $@

bench_src := $(wildcard tools/bench/*.c)
bench_bin := $(patsubst tools/bench/%.c,$(B)/bench/%,$(filter-out %.bpf.c,$(bench_src)))

$(B)/bench/%: tools/bench/%.c tools/bench/packets.h $(B)/libpktlap.a $(B)/bench.skel.h
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(cflags) $(CFLAGS) -o $@ $< $(B)/libpktlap.a $(ldlibs)

# --- tests -----------------------------------------------------------------------------------
$(B)/tests/unit/%: tests/unit/%.c $(B)/libpktlap.a | deps-test
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(cflags) -Itests/unit $(CFLAGS) -MMD -MP -MF $@.d -MT $@ \
		-o $@ $< $(B)/libpktlap.a -lcmocka $(ldlibs)

$(B)/san/tests/unit/%: tests/unit/%.c $(B)/san/libpktlap.a | deps-test
	@mkdir -p $(@D)
	$(call say,CC/SAN,$<)$(CC) $(cflags) -Itests/unit -O1 -g $(SAN) -MMD -MP -MF $@.d -MT $@ \
		-o $@ $< $(B)/san/libpktlap.a -lcmocka $(ldlibs)

.SECONDARY:

TRAFFIC	:= $(B)/traffic
$(TRAFFIC): tools/traffic/traffic.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) -std=gnu11 $(WARN) -O2 -static -o $@ $<

netns_src := $(filter-out %.bpf.c,$(wildcard tests/netns/*.c))
netns_bin := $(netns_src:tests/netns/%.c=$(B)/tests/netns/%)
$(B)/tests/netns/%: tests/netns/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) -std=gnu11 $(WARN) -D_GNU_SOURCE -O2 -o $@ $< $(netns_libs)
$(B)/tests/netns/schemacheck: tests/unit/schema.h
$(B)/tests/netns/schemacheck: netns_libs = $(shell $(PKG_CONFIG) --libs jansson)

RANGES	:= $(B)/tests/ranges
DOMAINS	:= $(B)/tests/domains
$(RANGES) $(DOMAINS): $(B)/tests/%: tests/%.c $(B)/libpktlap.a | deps-test
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(cflags) $(CFLAGS) -o $@ $< $(B)/libpktlap.a $(ldlibs)

.PHONY: build-unit build-bpf build-netns build-vm
build-unit: $(unit_bin) $(unit_san) fuzz-bin
build-bpf: all
build-netns: all $(B)/pktlap-agent deps-test $(TRAFFIC) $(netns_bin) $(RANGES) $(DOMAINS) $(bench_bin)
build-vm: all $(B)/pktlap-agent deps-test deps-lab $(TRAFFIC) $(RANGES) $(DOMAINS) $(B)/tests/netns/sockread

.PHONY: check check-unit check-bpf check-netns check-vm
check: all deps-test ## all test tiers
	$(Q)tools/check unit bpf netns vm
check-unit: all deps-test ## unit tests, plain and under ASan and UBSan
	$(Q)tools/check unit
check-bpf: all deps-test ## BPF programs by test run, and types against kernels' BTF (root)
	$(Q)tools/check bpf
check-netns: all deps-test ## recordings on the running kernel, in network namespaces (root)
	$(Q)tools/check netns
check-vm: all deps-test ## recordings in the lab: hypervisor host with a guest, under QEMU
	$(Q)tools/check vm

.PHONY: demo lab bench lint
demo: all $(B)/pktlap-agent deps-test deps-lab $(TRAFFIC) ## record real traffic of a guest in the lab, print the breakdown
	$(Q)tools/demo
lab: all $(B)/pktlap-agent deps-test deps-lab $(TRAFFIC) ## a shell in the lab's hypervisor host
	$(Q)tools/lab/host shell
bench: all deps-test deps-bench $(TRAFFIC) $(netns_bin) $(bench_bin) ## measure cost, own and rivals'; writes results/ (root)
	$(Q)tools/bench/run
lint: all deps-lint $(B)/bench.skel.h ## clang-format, clang-tidy, cppcheck, shellcheck
	$(Q)tools/lint

.PHONY: install uninstall
install: all ## PREFIX (default /usr/local) and DESTDIR say where
	install -D -m 755 $(B)/pktlap $(DESTDIR)$(PREFIX)/bin/pktlap
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man1 user/pktlap.1 user/pktlap-agent.1
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man7 user/pktlap-hazards.7
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man5 user/pktlap.data.5
	install -D -m 644 README.md $(DESTDIR)$(PREFIX)/share/doc/pktlap/README.md
	install -D -m 644 LICENSE $(DESTDIR)$(PREFIX)/share/doc/pktlap/LICENSE
uninstall: ## remove what install put there
	rm -f $(DESTDIR)$(PREFIX)/bin/pktlap $(DESTDIR)$(PREFIX)/share/man/man1/pktlap.1
	rm -f $(DESTDIR)$(PREFIX)/share/man/man1/pktlap-agent.1
	rm -f $(DESTDIR)$(PREFIX)/share/man/man7/pktlap-hazards.7
	rm -f $(DESTDIR)$(PREFIX)/share/man/man5/pktlap.data.5
	rm -rf $(DESTDIR)$(PREFIX)/share/doc/pktlap

.PHONY: clean
clean: ## remove what was built (downloaded kernels stay in the cache)
	$(Q)rm -rf $(B)

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z][a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | \
		while IFS='|' read -r t d; do printf '  make %-14s %s\n' "$$t" "$$d"; done

include tests/bpf.mk
include tests/hazards.mk
include tests/fuzz.mk

-include $(bpf_obj:.o=.d) $(lib_obj:.o=.d) $(lib_san:.o=.d) $(B)/user/main.d $(B)/san/user/main.d
-include $(static_obj:.o=.d) $(unit_bin:=.d) $(unit_san:=.d)

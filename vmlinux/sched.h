/* SPDX-License-Identifier: GPL-2.0 */
/* Tasks, files, wait queues: include/linux/sched.h, pid.h, fs.h, dcache.h, wait.h; iterators:
 * kernel/bpf/task_iter.c, include/linux/bpf.h */

struct task_struct {
	int pid;
	int tgid;
};

struct upid {
	int nr;
};

struct pid {
	struct upid numbers[1];
};

struct qstr {
	const unsigned char *name;
};

struct dentry {
	struct qstr d_name;
};

struct path {
	struct dentry *dentry;
};

struct file {
	struct path f_path;
	void *private_data;
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	u32 fd;
	struct file *file;
};

struct wait_queue_entry {
	unsigned int flags;
};

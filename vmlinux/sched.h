/* SPDX-License-Identifier: GPL-2.0 */
/* Tasks, files, wait queues: include/linux/sched.h, pid.h, fs.h, dcache.h, wait.h, poll.h,
 * fs/eventpoll.c, include/linux/io_uring_types.h; iterators: kernel/bpf/task_iter.c, include/linux/bpf.h */

struct task_struct {
	int pid;
	int tgid;
	unsigned int __state; /* 5.14 and newer (commit 2f064a59a11f) */
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

struct list_head {
	struct list_head *next;
};

struct wait_queue_head {
	struct list_head head;
};

struct wait_queue_entry {
	unsigned int flags;
	void *private; /* usually the task that waits */
	void *func;
	struct list_head entry;
};

/* poll() and select(): private of their entries */
struct poll_wqueues {
	struct task_struct *polling_task;
};

/* epoll: its entry in the queue of a file that it watches, and the queue of its own callers */
struct eventpoll {
	struct wait_queue_head wq;
};

struct epitem {
	struct eventpoll *ep;
};

struct eppoll_entry {
	struct epitem *base;
	struct wait_queue_entry wait;
};

/* io_uring: private of its entries is the request, with flags in its low bits (IO_WQE_F_DOUBLE) */
struct io_uring_task___6_13 {
	struct task_struct *task; /* 6.13 and newer */
};

/* 6.13 and newer (commit f03baece0891) */
struct io_kiocb___6_13 {
	struct io_uring_task___6_13 *tctx;
};

struct io_kiocb___before_6_13 {
	struct task_struct *task;
};

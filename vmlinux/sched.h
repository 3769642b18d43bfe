/* SPDX-License-Identifier: GPL-2.0 */
/* Tasks, files, wait queues: include/linux/sched.h, pid.h, fs.h, wait.h */

struct task_struct {
	int pid;
};

struct upid {
	int nr;
};

struct pid {
	struct upid numbers[1];
};

struct file {
	void *private_data;
};

struct wait_queue_entry {
	unsigned int flags;
};

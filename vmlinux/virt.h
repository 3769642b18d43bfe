/* SPDX-License-Identifier: GPL-2.0 */
/* vhost (modules vhost, vhost_net) and KVM (module kvm): drivers/vhost/vhost.h, virt/kvm/eventfd.c,
 * include/linux/kvm_host.h, kvm_irqfd.h */

struct eventfd_ctx;
struct vhost_dev;

struct vhost_poll {
	struct wait_queue_entry wait;
	struct vhost_dev *dev;
};

struct vhost_vring_call {
	struct eventfd_ctx *ctx;
};

struct vhost_virtqueue {
	struct vhost_dev *dev;
	struct vhost_poll poll; /* of the kick eventfd */
	struct vhost_vring_call call_ctx;
	void *private_data; /* net.c: the backend's struct socket */
};

struct vhost_task___6_4 {
	struct task_struct *task;
};

struct vhost_worker___6_4 {
	struct vhost_task___6_4 *vtsk;
};

struct vhost_virtqueue___6_5 {
	struct vhost_worker___6_4 *worker;
};

struct vhost_dev {
	struct vhost_virtqueue **vqs;
};

struct vhost_dev___before_6_4 {
	struct task_struct *worker;
};

struct vhost_net {
	struct vhost_dev dev; /* first member: the same address */
};

struct kvm;

struct kvm_kernel_irqfd {
	struct kvm *kvm;
	struct wait_queue_entry wait;
	int gsi;
	struct eventfd_ctx *eventfd;
};

struct kvm_vcpu {
	int vcpu_id;
	struct pid *pid;
};

struct kvm_io_device {
	const void *ops;
};

struct _ioeventfd {
	struct eventfd_ctx *eventfd;
	struct kvm_io_device dev;
};

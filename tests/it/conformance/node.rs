//! What needs a kubelet.

/**
 * The version of etcd whose API this is. kube-apiserver turns on
 * RequestWatchProgress (consistent reads from its cache) from 3.5.13 on.
 */
export const STORE_VERSION = '3.6.5';

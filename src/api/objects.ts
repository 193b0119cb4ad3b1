/**
 * Types of the Kubernetes objects as they stand in JSON. The one file that knows where they come from:
 * the npm package kubernetes-models, types only, so nothing of it runs.
 */
export type { IAffinity as Affinity } from 'kubernetes-models/v1/Affinity';
export type { IBinding as Binding } from 'kubernetes-models/v1/Binding';
export type { IConfigMap as ConfigMap } from 'kubernetes-models/v1/ConfigMap';
export type { IContainer as Container } from 'kubernetes-models/v1/Container';
export type { IContainerImage as ContainerImage } from 'kubernetes-models/v1/ContainerImage';
export type { IContainerPort as ContainerPort } from 'kubernetes-models/v1/ContainerPort';
export type { IContainerState as ContainerState } from 'kubernetes-models/v1/ContainerState';
export type { IContainerStatus as ContainerStatus } from 'kubernetes-models/v1/ContainerStatus';
export type { IEndpointAddress as EndpointAddress } from 'kubernetes-models/v1/EndpointAddress';
export type { IEndpointSubset as EndpointSubset } from 'kubernetes-models/v1/EndpointSubset';
export type { IEndpoints as Endpoints } from 'kubernetes-models/v1/Endpoints';
export type { IEnvFromSource as EnvFromSource } from 'kubernetes-models/v1/EnvFromSource';
export type { IEnvVar as EnvVar } from 'kubernetes-models/v1/EnvVar';
export type { IEphemeralContainer as EphemeralContainer } from 'kubernetes-models/v1/EphemeralContainer';
export type { IHTTPGetAction as HTTPGetAction } from 'kubernetes-models/v1/HTTPGetAction';
export type { ILifecycleHandler as LifecycleHandler } from 'kubernetes-models/v1/LifecycleHandler';
export type { ILifecycle as Lifecycle } from 'kubernetes-models/v1/Lifecycle';
export type { INamespace as Namespace } from 'kubernetes-models/v1/Namespace';
export type { INamespaceCondition as NamespaceCondition } from 'kubernetes-models/v1/NamespaceCondition';
export type { INode as Node } from 'kubernetes-models/v1/Node';
export type { INodeCondition as NodeCondition } from 'kubernetes-models/v1/NodeCondition';
export type { INodeSelector as NodeSelector } from 'kubernetes-models/v1/NodeSelector';
export type { INodeSelectorRequirement as NodeSelectorRequirement } from 'kubernetes-models/v1/NodeSelectorRequirement';
export type { INodeSelectorTerm as NodeSelectorTerm } from 'kubernetes-models/v1/NodeSelectorTerm';
export type { INodeSpec as NodeSpec } from 'kubernetes-models/v1/NodeSpec';
export type { INodeStatus as NodeStatus } from 'kubernetes-models/v1/NodeStatus';
export type { IObjectReference as ObjectReference } from 'kubernetes-models/v1/ObjectReference';
export type { IPersistentVolume as PersistentVolume } from 'kubernetes-models/v1/PersistentVolume';
export type { IPersistentVolumeClaim as PersistentVolumeClaim } from 'kubernetes-models/v1/PersistentVolumeClaim';
export type { IPod as Pod } from 'kubernetes-models/v1/Pod';
export type { IPodAffinityTerm as PodAffinityTerm } from 'kubernetes-models/v1/PodAffinityTerm';
export type { IPodCondition as PodCondition } from 'kubernetes-models/v1/PodCondition';
export type { IPodSecurityContext as PodSecurityContext } from 'kubernetes-models/v1/PodSecurityContext';
export type { IPodSpec as PodSpec } from 'kubernetes-models/v1/PodSpec';
export type { IPodStatus as PodStatus } from 'kubernetes-models/v1/PodStatus';
export type { IPodTemplateSpec as PodTemplateSpec } from 'kubernetes-models/v1/PodTemplateSpec';
export type { IProbe as Probe } from 'kubernetes-models/v1/Probe';
export type { IResourceRequirements as ResourceRequirements } from 'kubernetes-models/v1/ResourceRequirements';
export type { IReplicationController as ReplicationController } from 'kubernetes-models/v1/ReplicationController';
export type { ISecret as Secret } from 'kubernetes-models/v1/Secret';
export type { ISecurityContext as SecurityContext } from 'kubernetes-models/v1/SecurityContext';
export type { IService as Service } from 'kubernetes-models/v1/Service';
export type { IServiceAccount as ServiceAccount } from 'kubernetes-models/v1/ServiceAccount';
export type { IServicePort as ServicePort } from 'kubernetes-models/v1/ServicePort';
export type { IServiceSpec as ServiceSpec } from 'kubernetes-models/v1/ServiceSpec';
export type { ITaint as Taint } from 'kubernetes-models/v1/Taint';
export type { IToleration as Toleration } from 'kubernetes-models/v1/Toleration';
export type { ITopologySpreadConstraint as TopologySpreadConstraint } from 'kubernetes-models/v1/TopologySpreadConstraint';
export type { IVolume as Volume } from 'kubernetes-models/v1/Volume';
export type { IVolumeMount as VolumeMount } from 'kubernetes-models/v1/VolumeMount';
export type { IVolumeProjection as VolumeProjection } from 'kubernetes-models/v1/VolumeProjection';
export type { IControllerRevision as ControllerRevision } from 'kubernetes-models/apps/v1/ControllerRevision';
export type { IDaemonSet as DaemonSet } from 'kubernetes-models/apps/v1/DaemonSet';
export type { IDeployment as Deployment } from 'kubernetes-models/apps/v1/Deployment';
export type { IDeploymentCondition as DeploymentCondition } from 'kubernetes-models/apps/v1/DeploymentCondition';
export type { IDeploymentStatus as DeploymentStatus } from 'kubernetes-models/apps/v1/DeploymentStatus';
export type { IReplicaSet as ReplicaSet } from 'kubernetes-models/apps/v1/ReplicaSet';
export type { IReplicaSetCondition as ReplicaSetCondition } from 'kubernetes-models/apps/v1/ReplicaSetCondition';
export type { IReplicaSetStatus as ReplicaSetStatus } from 'kubernetes-models/apps/v1/ReplicaSetStatus';
export type { IStatefulSet as StatefulSet } from 'kubernetes-models/apps/v1/StatefulSet';
export type { ITokenRequest as TokenRequest } from 'kubernetes-models/authentication.k8s.io/v1/TokenRequest';
export type { ITokenReview as TokenReview } from 'kubernetes-models/authentication.k8s.io/v1/TokenReview';
export type { IUserInfo as UserInfo } from 'kubernetes-models/authentication.k8s.io/v1/UserInfo';
export type { ILocalSubjectAccessReview as LocalSubjectAccessReview } from 'kubernetes-models/authorization.k8s.io/v1/LocalSubjectAccessReview';
export type { ISelfSubjectAccessReview as SelfSubjectAccessReview } from 'kubernetes-models/authorization.k8s.io/v1/SelfSubjectAccessReview';
export type { ISelfSubjectRulesReview as SelfSubjectRulesReview } from 'kubernetes-models/authorization.k8s.io/v1/SelfSubjectRulesReview';
export type { ISubjectAccessReview as SubjectAccessReview } from 'kubernetes-models/authorization.k8s.io/v1/SubjectAccessReview';
export type { ISubjectAccessReviewSpec as SubjectAccessReviewSpec } from 'kubernetes-models/authorization.k8s.io/v1/SubjectAccessReviewSpec';
export type { ICertificateSigningRequest as CertificateSigningRequest } from 'kubernetes-models/certificates.k8s.io/v1/CertificateSigningRequest';
export type { ICertificateSigningRequestCondition as CertificateSigningRequestCondition } from 'kubernetes-models/certificates.k8s.io/v1/CertificateSigningRequestCondition';
export type { ICertificateSigningRequestSpec as CertificateSigningRequestSpec } from 'kubernetes-models/certificates.k8s.io/v1/CertificateSigningRequestSpec';
export type { ILease as Lease } from 'kubernetes-models/coordination.k8s.io/v1/Lease';
export type { ILeaseSpec as LeaseSpec } from 'kubernetes-models/coordination.k8s.io/v1/LeaseSpec';
export type { IEndpoint as Endpoint } from 'kubernetes-models/discovery.k8s.io/v1/Endpoint';
export type { IEndpointSlice as EndpointSlice } from 'kubernetes-models/discovery.k8s.io/v1/EndpointSlice';
export type { IClusterRole as ClusterRole } from 'kubernetes-models/rbac.authorization.k8s.io/v1/ClusterRole';
export type { IClusterRoleBinding as ClusterRoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1/ClusterRoleBinding';
export type { IPolicyRule as PolicyRule } from 'kubernetes-models/rbac.authorization.k8s.io/v1/PolicyRule';
export type { IRole as Role } from 'kubernetes-models/rbac.authorization.k8s.io/v1/Role';
export type { IRoleBinding as RoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1/RoleBinding';
export type { IRoleRef as RoleRef } from 'kubernetes-models/rbac.authorization.k8s.io/v1/RoleRef';
export type { ISubject as Subject } from 'kubernetes-models/rbac.authorization.k8s.io/v1/Subject';
export type { ICSIDriver as CSIDriver } from 'kubernetes-models/storage.k8s.io/v1/CSIDriver';
export type { IStorageClass as StorageClass } from 'kubernetes-models/storage.k8s.io/v1/StorageClass';
export type { IEvent as CoreEvent } from 'kubernetes-models/v1/Event';
export type { IEndpointPort as DiscoveryEndpointPort } from 'kubernetes-models/discovery.k8s.io/v1/EndpointPort';
export type { IEndpointPort as EndpointPort } from 'kubernetes-models/v1/EndpointPort';
export type { IObjectMeta as ObjectMeta } from '@kubernetes-models/apimachinery/apis/meta/v1/ObjectMeta';
export type { IOwnerReference as OwnerReference } from '@kubernetes-models/apimachinery/apis/meta/v1/OwnerReference';
export type { ILabelSelector as LabelSelector } from '@kubernetes-models/apimachinery/apis/meta/v1/LabelSelector';
export type { IDeleteOptions as DeleteOptions } from '@kubernetes-models/apimachinery/apis/meta/v1/DeleteOptions';
import type { IObjectMeta } from '@kubernetes-models/apimachinery/apis/meta/v1/ObjectMeta';

/** What every stored object has, whatever its kind. */
export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata?: IObjectMeta;
}

/** An object of a kind not known to the compiler: fields are looked at by name. */
export interface UnknownObject extends KubeObject {
  [field: string]: unknown;
}

/** A list as the API server sends it. */
export interface ListOf<T> {
  apiVersion?: string;
  kind?: string;
  metadata: { resourceVersion?: string; continue?: string; remainingItemCount?: number };
  items: T[];
}

/** One event of a watch. On an ERROR the object is a Status, on a BOOKMARK only metadata is filled. */
export interface WatchEvent<T> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  object: T;
}

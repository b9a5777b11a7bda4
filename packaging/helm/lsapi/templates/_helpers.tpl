{{- define "lsapi.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "lsapi.fullname" -}}
{{- $name := include "lsapi.name" . }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "lsapi.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (.Values.serviceAccount.create | ternary (include "lsapi.fullname" .) "default") }}
{{- end }}

{{/* The labels of the selectors, which are immutable: an upgrade must not change them. */}}
{{- define "lsapi.selector" -}}
app.kubernetes.io/name: {{ include "lsapi.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: server
{{- end }}

{{- define "lsapi.commonLabels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "lsapi.labels" -}}
{{ include "lsapi.selector" . }}
{{ include "lsapi.commonLabels" . }}
{{- end }}

{{/* Those of the test's pod, which the Service must not select. */}}
{{- define "lsapi.testLabels" -}}
app.kubernetes.io/name: {{ include "lsapi.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: test
{{- end }}

{{- define "lsapi.image" -}}
{{- with .Values.image }}
{{- if .digest }}{{ printf "%s@%s" .repository .digest }}
{{- else }}{{ printf "%s:%s" .repository (.tag | default $.Chart.AppVersion) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "lsapi.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "lsapi.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* The file of the authorities that signed the database's certificate, or nothing. */}}
{{- define "lsapi.caFile" -}}
{{- with .Values.store.postgresql.ca }}
{{- if or .secret .configMap }}/etc/lsapi/database-ca/{{ .key }}
{{- else }}{{ .file }}
{{- end }}
{{- end }}
{{- end }}

{{- define "lsapi.storeURL" -}}
{{- with .Values.store.postgresql -}}
postgres://{{ .user }}@{{ .host }}:{{ .port }}/{{ .database }}?sslmode={{ .sslmode }}
{{- with include "lsapi.caFile" $ }}&sslrootcert={{ . }}{{ end }}
{{- with .passfileSecret }}{{ if .name }}&passfile=/etc/lsapi/database-password/{{ .key }}{{ end }}{{ end }}
{{- end }}
{{- end }}

{{/* A variable of a Secret: (list NAME {name, key}). */}}
{{- define "lsapi.secretVariable" -}}
{{- $secret := index . 1 -}}
- name: {{ index . 0 }}
  valueFrom:
    secretKeyRef:
      name: {{ $secret.name }}
      key: {{ $secret.key }}
{{- end }}

{{- define "lsapi.env" -}}
{{- with .Values }}
- name: LISTEN
  value: ":8000"
- name: AWS_REGION
  value: {{ .region }}
- name: SHUTDOWN_TIMEOUT
  value: {{ printf "%ds" (int .shutdownTimeoutSeconds) }}
{{- if .metrics.public }}
- name: METRICS_PUBLIC
  value: "true"
{{- end }}
{{- if .auth.tokenSecret.name }}
- name: API_TOKEN_FILE
  value: /etc/lsapi/token/{{ .auth.tokenSecret.key }}
{{- end }}
{{- if .auth.usersSecret.name }}
- name: USERS_FILE
  value: /etc/lsapi/users/{{ .auth.usersSecret.key }}
{{- end }}
{{- if eq .store.kind "sqlite" }}
- name: STORE_URL
  value: sqlite:///state/lsapi.db
{{- else if .store.postgresql.urlSecret.name }}
{{ include "lsapi.secretVariable" (list "STORE_URL" .store.postgresql.urlSecret) }}
{{- with include "lsapi.caFile" $ }}
- name: PGSSLROOTCERT
  value: {{ . }}
{{- end }}
{{- else }}
- name: STORE_URL
  value: {{ include "lsapi.storeURL" $ | quote }}
{{- if .store.postgresql.passwordSecret.name }}
{{ include "lsapi.secretVariable" (list "PGPASSWORD" .store.postgresql.passwordSecret) }}
{{- end }}
{{- end }}
{{- if or .policy.content .policy.configMap.name }}
- name: POLICY
  value: /etc/lsapi/policy/{{ include "lsapi.policyKey" $ }}
{{- end }}
{{- if .notify.urlsSecret.name }}
{{ include "lsapi.secretVariable" (list "NOTIFY" .notify.urlsSecret) }}
{{- end }}
{{- if .notify.signingSecret.name }}
- name: NOTIFY_SECRET_FILE
  value: /etc/lsapi/notify/{{ .notify.signingSecret.key }}
{{- end }}
{{ include "lsapi.furtherEnv" $ }}
{{- end }}
{{- end }}

{{- define "lsapi.furtherEnv" -}}
{{- range $name, $value := .Values.settings -}}
- name: {{ $name }}
  value: {{ $value | quote }}
{{ end }}
{{- with .Values.extraEnv }}
{{- toYaml . }}
{{- end }}
{{- end }}

{{- define "lsapi.policyKey" -}}
{{- with .Values.policy.configMap }}{{ empty .name | ternary "policy.yaml" .key }}{{ end }}
{{- end }}

{{/*
The folders of /etc/lsapi with files of Secrets and ConfigMaps, as a list of {folder, kind,
name}. They are mounted as folders: with subPath, changes would not reach the pod.
*/}}
{{- define "lsapi.files" -}}
{{- $files := list }}
{{- with .Values }}
{{- with .auth.tokenSecret }}{{ if .name }}
{{- $files = append $files (dict "folder" "token" "kind" "secret" "name" .name) }}
{{- end }}{{ end }}
{{- with .auth.usersSecret }}{{ if .name }}
{{- $files = append $files (dict "folder" "users" "kind" "secret" "name" .name) }}
{{- end }}{{ end }}
{{- if eq .store.kind "postgresql" }}
{{- with .store.postgresql.ca }}
{{- if .secret }}
{{- $files = append $files (dict "folder" "database-ca" "kind" "secret" "name" .secret) }}
{{- else if .configMap }}
{{- $files = append $files (dict "folder" "database-ca" "kind" "configMap" "name" .configMap) }}
{{- end }}
{{- end }}
{{- with .store.postgresql.passfileSecret }}{{ if .name }}
{{- $files = append $files (dict "folder" "database-password" "kind" "secret" "name" .name) }}
{{- end }}{{ end }}
{{- end }}
{{- if .policy.configMap.name }}
{{- $files = append $files (dict "folder" "policy" "kind" "configMap" "name" .policy.configMap.name) }}
{{- else if .policy.content }}
{{- $files = append $files (dict "folder" "policy" "kind" "configMap" "name" (include "lsapi.fullname" $)) }}
{{- end }}
{{- with .notify.signingSecret }}{{ if .name }}
{{- $files = append $files (dict "folder" "notify" "kind" "secret" "name" .name) }}
{{- end }}{{ end }}
{{- end }}
{{- toYaml (dict "files" $files) }}
{{- end }}

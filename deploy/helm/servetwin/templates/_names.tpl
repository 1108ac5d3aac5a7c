{{- define "servetwin.labels" -}}
app.kubernetes.io/name: servetwin
app.kubernetes.io/part-of: servetwin
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Of its pods. Two releases in one namespace would share a Lease, so there is one per namespace, and its name is enough. */}}
{{- define "servetwin.selector" -}}
app.kubernetes.io/name: servetwin
{{- end -}}

{{- define "servetwin.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{/* What belongs to the cluster is named after the namespace too, unless there is but one release that watches everything. */}}
{{- define "servetwin.clusterName" -}}
{{- if .Values.watch.namespaces -}}servetwin-{{ .Release.Namespace }}{{- else -}}servetwin{{- end -}}
{{- end -}}

{{/* "true" or empty. */}}
{{- define "servetwin.readsNodes" -}}
{{- if kindIs "invalid" .Values.watch.nodes -}}
{{- if not .Values.watch.namespaces -}}true{{- end -}}
{{- else if .Values.watch.nodes -}}true{{- end -}}
{{- end -}}

{{- define "servetwin.subjects" -}}
- kind: ServiceAccount
  name: servetwin
  namespace: {{ .Release.Namespace }}
{{- end -}}

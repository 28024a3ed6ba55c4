/** Images by their public names, and where they keep their data by default. */
type Images = ReadonlyArray<readonly [image: string, path: string]>

const pairs = (text: string): Images =>
  text
    .trim()
    .split(/\n/)
    .map((line) => {
      const [image = "", path = ""] = line.trim().split(/\s+/)
      return [image, path] as const
    })

/** Their data is lost with a pod that has no volume. */
export const keeping = pairs(`
  postgres:17 /var/lib/postgresql/data
  postgres:18 /var/lib/postgresql
  docker.io/bitnami/postgresql:17.5.0 /bitnami/postgresql
  docker.io/bitnamilegacy/postgresql-repmgr:17 /bitnami/postgresql
  postgis/postgis:17-3.5 /var/lib/postgresql/data
  pgvector/pgvector:pg17 /var/lib/postgresql/data
  timescale/timescaledb:2.21-pg17 /var/lib/postgresql/data
  timescale/timescaledb-ha:pg17 /home/postgres/pgdata
  ghcr.io/zalando/spilo-17:4.0-p2 /home/postgres/pgdata
  ghcr.io/cloudnative-pg/postgresql:17.5 /var/lib/postgresql/data
  supabase/postgres:17.4.1 /var/lib/postgresql/data
  registry.developers.crunchydata.com/crunchydata/crunchy-postgres:ubi9-17.5 /pgdata
  tensorchord/pgvecto-rs:pg16-v0.3.0 /var/lib/postgresql/data
  goharbor/harbor-db:v2.13.2 /var/lib/postgresql/data
  mysql:8.4 /var/lib/mysql
  container-registry.oracle.com/mysql/community-server:9.4 /var/lib/mysql
  mariadb:11 /var/lib/mysql
  lscr.io/linuxserver/mariadb:11 /config
  docker.io/bitnami/mariadb:11 /bitnami/mariadb
  docker.io/bitnami/mariadb-galera:11 /bitnami/mariadb
  percona/percona-server:8.4 /var/lib/mysql
  percona/percona-xtradb-cluster:8.4 /var/lib/mysql
  mongo:8 /data/db
  docker.io/bitnami/mongodb:8.0 /bitnami/mongodb
  quay.io/mongodb/mongodb-community-server:8.0-ubi9 /data/db
  percona/percona-server-mongodb:8.0 /data/db
  mcr.microsoft.com/mssql/server:2022-latest /var/opt/mssql
  gvenzl/oracle-free:23 /opt/oracle/oradata
  container-registry.oracle.com/database/free:23.8 /opt/oracle/oradata
  firebirdsql/firebird:5 /var/lib/firebird/data
  cassandra:5.0 /var/lib/cassandra
  scylladb/scylla:6.2 /var/lib/scylla
  k8ssandra/cass-management-api:5.0 /var/lib/cassandra
  cockroachdb/cockroach:v25.2.0 /cockroach/cockroach-data
  yugabytedb/yugabyte:2025.1 /mnt/disk0
  pingcap/tikv:v8.5 /var/lib/tikv
  pingcap/pd:v8.5 /var/lib/pd
  pingcap/tiflash:v8.5 /data0
  clickhouse/clickhouse-server:25.6 /var/lib/clickhouse
  clickhouse/clickhouse-keeper:25.6 /var/lib/clickhouse
  docker.io/bitnami/clickhouse:25 /bitnami/clickhouse
  influxdb:1.8 /var/lib/influxdb
  influxdb:2.7 /var/lib/influxdb2
  neo4j:5.26 /data
  couchdb:3.5 /opt/couchdb/data
  couchbase/server:7.6 /opt/couchbase/var
  arangodb/arangodb:3.12 /var/lib/arangodb3
  crate:6.0 /data
  questdb/questdb:9.0 /var/lib/questdb
  rethinkdb:2.4 /data
  tdengine/tdengine:3.3 /var/lib/taos
  apache/iotdb:2.0-standalone /iotdb/data
  dgraph/dgraph:v24 /dgraph
  memgraph/memgraph:3.4 /var/lib/memgraph
  vesoft/nebula-metad:v3.8 /usr/local/nebula/data
  vesoft/nebula-storaged:v3.8 /usr/local/nebula/data
  orientdb:3.2 /orientdb/databases
  ravendb/ravendb:7.0 /var/lib/ravendb/data
  eventstore/eventstore:24.10 /var/lib/eventstore
  codenotary/immudb:1.9 /var/lib/immudb
  rqlite/rqlite:8 /rqlite/file
  dolthub/dolt-sql-server:1.58 /var/lib/dolt
  aerospike/aerospike-server:8.0 /opt/aerospike/data
  geldata/gel:6 /var/lib/gel/data
  ghcr.io/muchobien/pocketbase:0.29 /pb_data
  elasticsearch:9.1.0 /usr/share/elasticsearch/data
  docker.elastic.co/elasticsearch/elasticsearch:9.1.0 /usr/share/elasticsearch/data
  opensearchproject/opensearch:3 /usr/share/opensearch/data
  solr:9 /var/solr
  getmeili/meilisearch:v1.15 /meili_data
  typesense/typesense:29.0 /data
  manticoresearch/manticore:9 /var/lib/manticore
  qdrant/qdrant:v1.15.0 /qdrant/storage
  cr.weaviate.io/semitechnologies/weaviate:1.32.0 /var/lib/weaviate
  chromadb/chroma:1.0 /data
  quay.io/coreos/etcd:v3.6.4 /var/lib/etcd
  registry.k8s.io/etcd:3.5.3-0 /var/run/etcd
  docker.io/bitnami/etcd:3.6 /bitnami/etcd
  zookeeper:3.9 /datalog
  docker.io/bitnami/zookeeper:3.9 /bitnami/zookeeper
  confluentinc/cp-zookeeper:7.9 /var/lib/zookeeper/data
  apache/kafka:4.0 /var/lib/kafka/data
  confluentinc/cp-kafka:8.0 /var/lib/kafka/data
  docker.io/bitnami/kafka:4.0 /bitnami/kafka
  docker.redpanda.com/redpandadata/redpanda:v25.1 /var/lib/redpanda/data
  rabbitmq:4.1-management /var/lib/rabbitmq
  docker.io/bitnami/rabbitmq:4.1 /bitnami/rabbitmq/mnesia
  apache/bookkeeper:4.17 /data/bookkeeper
  apache/activemq-classic:6.1 /opt/apache-activemq/data
  apache/activemq-artemis:2.41 /var/lib/artemis-instance
  emqx/emqx:5.8 /opt/emqx/data
  vernemq/vernemq:2 /vernemq/data
  hivemq/hivemq4:4 /opt/hivemq/data
  camunda/zeebe:8.7 /usr/local/zeebe/data
  apache/nifi:2.5 /opt/nifi/nifi-current/flowfile_repository
  minio/minio:RELEASE.2025-09-07T16-13-09Z /data
  quay.io/minio/minio:latest /export
  dxflrs/garage:v2.0.0 /var/lib/garage/meta
  rustfs/rustfs:1.0 /data
  ipfs/kubo:v0.36 /data/ipfs
  sonatype/nexus3:3.83.0 /nexus-data
  releases-docker.jfrog.io/jfrog/artifactory-oss:7.111 /var/opt/jfrog/artifactory
  verdaccio/verdaccio:6 /verdaccio/storage
  pypiserver/pypiserver:v2.3 /data/packages
  restic/rest-server:0.14 /data
  nextcloud:31-apache /var/www/html
  lscr.io/linuxserver/nextcloud:31 /config
  owncloud/ocis:7 /var/lib/ocis
  owncloud/server:10.15 /mnt/data
  seafileltd/seafile-mc:12 /shared
  syncthing/syncthing:2 /var/syncthing
  lscr.io/linuxserver/syncthing:2 /config
  filebrowser/filebrowser:v2 /database
  drakkan/sftpgo:v2 /var/lib/sftpgo
  docker.gitea.com/gitea:1.24-rootless /var/lib/gitea
  gitea/gitea:1.24 /data
  codeberg.org/forgejo/forgejo:12 /data
  gogs/gogs:0.13 /data
  gitlab/gitlab-ce:18.2.1-ce.0 /var/opt/gitlab
  registry.gitlab.com/gitlab-org/build/cng/gitaly:v18.2.1 /home/git/repositories
  gerritcodereview/gerrit:3.12 /var/gerrit/git
  1dev/server:11 /opt/onedev
  jenkins/jenkins:lts-jdk21 /var/jenkins_home
  docker.io/bitnami/jenkins:2 /bitnami/jenkins
  jetbrains/teamcity-server:2025.07 /data/teamcity_server/datadir
  gocd/gocd-server:v25.2.0 /godata
  atlassian/jira-software:10 /var/atlassian/application-data/jira
  atlassian/confluence:9 /var/atlassian/application-data/confluence
  atlassian/bitbucket:9 /var/atlassian/application-data/bitbucket
  docker.io/vaultwarden/server:1.34.3 /data
  ghcr.io/dani-garcia/vaultwarden:1.34.3 /data
  pihole/pihole:2025.04.0 /etc/pihole
  adguard/adguardhome:v0.107 /opt/adguardhome/work
  technitium/dns-server:13 /etc/dns
  ghcr.io/wg-easy/wg-easy:15 /etc/wireguard
  kylemanna/openvpn:2.4 /etc/openvpn
  headscale/headscale:0.26 /var/lib/headscale
  zerotier/zerotier:1.14 /var/lib/zerotier-one
  osixia/openldap:1.5.0 /etc/ldap/slapd.d
  docker.io/bitnami/openldap:2.6 /bitnami/openldap
  kanidm/server:1.7 /data
  smallstep/step-ca:0.28 /home/step
  certbot/certbot:v4 /etc/letsencrypt
  jc21/nginx-proxy-manager:2.12 /etc/letsencrypt
  olbat/cupsd:latest /etc/cups
  lscr.io/linuxserver/unifi-network-application:9 /config
  jacobalberty/unifi:v9 /unifi
  mbentley/omada-controller:5 /opt/tplink/EAPController/data
  portainer/portainer-ce:2.32 /data
  quay.io/prometheus/prometheus:v3.5.0 /prometheus
  victoriametrics/victoria-metrics:v1.122.0 /victoria-metrics-data
  victoriametrics/vmstorage:v1.122.0-cluster /storage
  victoriametrics/victoria-logs:v1.26.0 /victoria-logs-data
  graphiteapp/graphite-statsd:1.1 /opt/graphite/storage
  checkmk/check-mk-raw:2.4.0 /omd/sites
  wazuh/wazuh-manager:4.12 /var/ossec/data
  louislam/uptime-kuma:1 /app/data
  ghcr.io/dgtlmoon/changedetection.io:0.50 /datastore
  ghcr.io/home-assistant/home-assistant:2025.8 /config
  ghcr.io/esphome/esphome:2025.7 /config
  nodered/node-red:4.1 /data
  koenkk/zigbee2mqtt:2.6 /app/data
  zwavejs/zwave-js-ui:10 /usr/src/app/store
  openhab/openhab:5.0 /openhab/userdata
  ghcr.io/homebridge/homebridge:latest /homebridge
  ghcr.io/blakeblackshear/frigate:0.16 /config
  plexinc/pms-docker:1.41 /config
  lscr.io/linuxserver/plex:1.41 /config
  jellyfin/jellyfin:10.10 /config
  emby/embyserver:4.9 /config
  ghcr.io/home-operations/sonarr:4.0 /config
  lscr.io/linuxserver/radarr:5 /config
  ghcr.io/hotio/lidarr:release /config
  ghcr.io/home-operations/prowlarr:2 /config
  lscr.io/linuxserver/bazarr:1 /config
  fallenbagel/jellyseerr:2.7 /app/config
  lscr.io/linuxserver/overseerr:1 /config
  ghcr.io/home-operations/tautulli:2 /config
  ghcr.io/home-operations/qbittorrent:5 /config
  lscr.io/linuxserver/transmission:4 /config
  ghcr.io/home-operations/sabnzbd:4 /config
  ghcr.io/advplyr/audiobookshelf:2 /config
  lscr.io/linuxserver/calibre-web:0.6 /config
  deluan/navidrome:0.58 /data
  gotson/komga:1 /config
  jvmilazz0/kavita:0.8 /kavita/config
  ghcr.io/immich-app/immich-server:v1.137 /usr/src/app/upload
  photoprism/photoprism:250707 /photoprism/storage
  ghcr.io/paperless-ngx/paperless-ngx:2.18 /usr/src/paperless/data
  dokuwiki/dokuwiki:2025-05-14b /storage
  xwiki:17-postgres-tomcat /usr/local/xwiki
  triliumnext/trilium:v0.97 /home/node/trilium-data
  neosmemo/memos:0.25 /var/opt/memos
  ghcr.io/mealie-recipes/mealie:v3 /app/data
  freshrss/freshrss:1.27 /var/www/FreshRSS/data
  sissbruecker/linkding:1.41 /etc/linkding/data
  actualbudget/actual-server:25.8 /data
  kanboard/kanboard:v1.2 /var/www/app/data
  gotify/server:2.6 /app/data
  odoo:18 /var/lib/odoo
  docker.io/bitnami/moodle:5 /bitnami/moodle
  ghcr.io/docker-mailserver/docker-mailserver:15 /var/mail
  stalwartlabs/mail-server:v0.11 /opt/stalwart-mail
  ghcr.io/open-webui/open-webui:v0.6 /app/backend/data
  mintplexlabs/anythingllm:1.8 /app/server/storage
  itzg/minecraft-server:java21 /data
  factoriotools/factorio:stable /factorio
  ethereum/client-go:v1.16.4 /root/.ethereum
  registry.local:5000/mirror/vaultwarden/server@sha256:0123 /data
  harbor.example.com/hub/library/postgres:17@sha256:0123 /var/lib/postgresql/data
`)

/** They may be meant to forget, or to keep it elsewhere. */
export const forgetting = pairs(`
  redis:8.0 /data
  docker.io/bitnami/redis-cluster:8 /bitnami/redis/data
  valkey/valkey:8 /data
  eqalpha/keydb:6.3 /data
  docker.dragonflydb.io/dragonflydb/dragonfly:v1.32 /data
  goharbor/redis-photon:v2.13.2 /var/lib/redis
  hashicorp/consul:1.21 /consul/data
  hashicorp/vault:1.20 /vault/data
  quay.io/openbao/openbao:2.3 /openbao/data
  nats:2.12 /data
  eclipse-mosquitto:2.0 /mosquitto/data
  surrealdb/surrealdb:v2.3 /data
  grafana/loki:3.5 /var/loki
  grafana/mimir:2.17 /data
  grafana/tempo:2.8 /var/tempo
  grafana/pyroscope:1.14 /data
  quay.io/thanos/thanos:v0.39 /var/thanos/receive
  quay.io/prometheus/alertmanager:v0.28 /alertmanager
  grafana/grafana:12.1 /var/lib/grafana
  grafana/grafana-oss:12.1 /var/lib/grafana
  public.ecr.aws/zinclabs/openobserve:v0.15 /data
  quickwit/quickwit:0.8 /quickwit/qwdata
  milvusdb/milvus:v2.6 /var/lib/milvus
  ollama/ollama:0.12.3 /root/.ollama
  registry:2 /var/lib/registry
  goharbor/registry-photon:v2.13.2 /storage
  ghcr.io/helm/chartmuseum:v0.16 /storage
  sonarqube:25.8 /opt/sonarqube/data
  drone/drone:2 /data
  woodpeckerci/woodpecker-server:v3 /var/lib/woodpecker
  n8nio/n8n:1.105 /home/node/.n8n
  docker.n8n.io/n8nio/n8n:1.105 /home/node/.n8n
  flowiseai/flowise:3 /root/.flowise
  nacos/nacos-server:v3 /home/nacos/data
  wordpress:6-apache /var/www/html
  ghost:5-alpine /var/lib/ghost/content
  drupal:11 /var/www/html/sites
  matomo:5 /var/www/html
  mediawiki:1.44 /var/www/html/images
  redmine:6 /usr/src/redmine/files
  lscr.io/linuxserver/bookstack:25 /config
  mattermost/mattermost-team-edition:10 /mattermost/data
  vikunja/vikunja:0.24 /app/vikunja/files
  ghcr.io/authelia/authelia:4.39 /config
  lldap/lldap:v0.6 /data
  crowdsecurity/crowdsec:v1.6 /var/lib/crowdsec/data
  powerdns/pdns-auth-49:4.9 /var/lib/powerdns
  localstack/localstack:4 /var/lib/localstack
  frappe/erpnext:v15 /home/frappe/frappe-bench/sites
  vespaengine/vespa:8 /opt/vespa/var
  tarantool/tarantool:3 /var/lib/tarantool
  foundationdb/foundationdb:7.3 /var/fdb
`)

/** Beside a store, in front of it, or of the same name: none of them keeps what is asked for. */
export const none: ReadonlyArray<string> = `
  nginx:1.29 nginxinc/nginx-unprivileged:1.29 registry.k8s.io/nginx-slim:0.24 httpd:2.4 haproxy:3.2 envoyproxy/envoy:v1.35 caddy:2
  traefik:v3.5 registry.k8s.io/pause:3.10 memcached:1.6 varnish:7 ubuntu/squid:6 registry.k8s.io/coredns/coredns:v1.12
  oliver006/redis_exporter:v1.74 quay.io/prometheuscommunity/postgres-exporter:v0.17 prom/mysqld-exporter:v0.17
  percona/mongodb_exporter:0.44 quay.io/prometheus/node-exporter:v1.9 danielqsj/kafka-exporter:v1.9 kbudde/rabbitmq-exporter:1.0
  nginx/nginx-prometheus-exporter:1.4 quay.io/prometheuscommunity/elasticsearch-exporter:v1.9 natsio/prometheus-nats-exporter:0.17
  quay.io/prometheus/blackbox-exporter:v0.27 burningalchemist/sql_exporter:0.17 prom/memcached-exporter:v0.15
  quay.io/oauth2-proxy/oauth2-proxy:v7 gcr.io/cloud-sql-connectors/cloud-sql-proxy:2 registry.k8s.io/kube-proxy:v1.33
  bitnami/pgbouncer:1.24 proxysql/proxysql:3.0 bitnami/pgpool:4.6 container-registry.oracle.com/mysql/community-router:9.4 mysql/mysql-router:8.0
  hashicorp/vault-k8s:1.6 hashicorp/vault-csi-provisioner:1.5 hashicorp/consul-k8s-control-plane:1.5.0 hashicorp/consul-dataplane:1.7
  ghcr.io/cloudnative-pg/cloudnative-pg:1.26 ghcr.io/zalando/postgres-operator:v1.14 rabbitmqoperator/cluster-operator:2.14
  quay.io/minio/mc:latest quay.io/minio/operator:v7 prometheuscommunity/postgres_exporter:1 quay.io/prometheus-operator/prometheus-operator:v0.84
  quay.io/prometheus-operator/prometheus-config-reloader:v0.84.0 natsio/nats-box:0.18 natsio/nats-server-config-reloader:0.19
  docker.io/bitnami/redis-sentinel:8 docker.io/bitnami/redis-exporter:1 example/etcd-backup:1 example/vault-agent:1 example/postgres-backup:1
  prodrigestivill/postgres-backup-local:17 confluentinc/cp-schema-registry:8.0 confluentinc/cp-kafka-connect:8.0 provectuslabs/kafka-ui:v0.7
  docker.elastic.co/kibana/kibana:9.1 opensearchproject/opensearch-dashboards:3 grafana/grafana-image-renderer:4 grafana/promtail:3
  kiwigrid/k8s-sidecar:1.30 jenkins/inbound-agent:3 woodpeckerci/woodpecker-agent:v3 drone/drone-runner-kube:1 gitea/act_runner:0.2
  gitlab/gitlab-runner:v18 ghcr.io/immich-app/immich-machine-learning:v1 cloudflare/cloudflared:2025.8 ghcr.io/flaresolverr/flaresolverr:v3
  vesoft/nebula-graphd:v3.8 victoriametrics/vminsert:v1.122.0-cluster victoriametrics/vmselect:v1.122.0-cluster victoriametrics/vmagent:v1.122
  victoriametrics/vmauth:v1.122 pingcap/tidb:v8.5 example/server:1 example/notes:1 example/iris:1 registry.k8s.io/kube-state-metrics/kube-state-metrics:v2.16
  rancher/rancher:v2.11 tailscale/tailscale:v1.80.0 lscr.io/linuxserver/wireguard:1 busybox:1.37 alpine:3.22 vllm/vllm-openai:v0.10 ghcr.io/huggingface/text-generation-inference:3 phpmyadmin:5 adminer:5
`
  .trim()
  .split(/\s+/)

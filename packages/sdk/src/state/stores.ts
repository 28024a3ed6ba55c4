/**
 * The table of what keeps data: its name, its images, and the directories in which these keep it by default.
 *
 * An image is named by the last part of its name, or by the last two where that is too common a word.
 */

type Row = readonly [store: string, images: string, homes: string]

/** Without a volume their data is lost with the pod. */
export const keeping: ReadonlyArray<Row> = [
  // Databases.
  [
    "PostgreSQL",
    "postgres postgresql postgresql-repmgr postgis pgvector timescaledb timescaledb-ha timescaledb-postgis spilo patroni crunchy-postgres crunchy-postgres-gis percona-postgresql-operator percona-distribution-postgresql pgautoupgrade tensorchord/pgvecto-rs tensorchord/vchord-postgres edb-postgres-advanced cloudnative-vectorchord",
    "/var/lib/postgresql /var/lib/pgsql /home/postgres/pgdata /home/postgres/pgroot /bitnami/postgresql /pgdata"
  ],
  // It sets the modes of its files itself, as others do not.
  ["Harbor's database", "harbor-db", "/var/lib/postgresql/data"],
  [
    "MySQL",
    "mysql mysql-server community-server enterprise-server percona percona-server percona-xtradb-cluster mariadb mariadb-galera",
    "/var/lib/mysql /bitnami/mysql /bitnami/mariadb"
  ],
  [
    "MongoDB",
    "mongo mongodb mongodb-sharded mongodb-community-server mongodb-enterprise-server percona-server-mongodb",
    "/data/db /data/configdb /bitnami/mongodb"
  ],
  ["SQL Server", "mssql/server azure-sql-edge", "/var/opt/mssql"],
  [
    "Oracle Database",
    "gvenzl/oracle-free gvenzl/oracle-xe database/free database/enterprise",
    "/opt/oracle/oradata"
  ],
  ["Db2", "ibmcom/db2 db2_community/db2", "/database"],
  ["Firebird", "firebird", "/var/lib/firebird/data /firebird"],
  [
    "Cassandra",
    "cassandra scylla scylla-enterprise dse-server cass-management-api",
    "/var/lib/cassandra /var/lib/scylla /bitnami/cassandra"
  ],
  ["CockroachDB", "cockroach cockroachdb", "/cockroach/cockroach-data"],
  ["YugabyteDB", "yugabyte yugabytedb", "/mnt/disk0 /mnt/master /mnt/tserver /root/var/data"],
  ["TiKV", "tikv pd tiflash tidb-binlog", "/var/lib/tikv /var/lib/pd /data0"],
  ["ClickHouse", "clickhouse clickhouse-server clickhouse-keeper", "/var/lib/clickhouse /bitnami/clickhouse"],
  ["InfluxDB", "influxdb influxdb2", "/var/lib/influxdb /var/lib/influxdb2 /bitnami/influxdb"],
  ["Neo4j", "neo4j", "/data /bitnami/neo4j"],
  ["CouchDB", "couchdb", "/opt/couchdb/data /bitnami/couchdb"],
  ["Couchbase", "couchbase couchbase/server", "/opt/couchbase/var"],
  ["ArangoDB", "arangodb", "/var/lib/arangodb3"],
  ["CrateDB", "crate cratedb", "/data"],
  ["QuestDB", "questdb", "/var/lib/questdb /root/.questdb"],
  ["RethinkDB", "rethinkdb", "/data"],
  ["TDengine", "tdengine tdengine-ee", "/var/lib/taos"],
  ["IoTDB", "iotdb", "/iotdb/data"],
  ["Dgraph", "dgraph", "/dgraph"],
  ["Memgraph", "memgraph memgraph-mage", "/var/lib/memgraph"],
  ["NebulaGraph", "nebula-metad nebula-storaged", "/data /usr/local/nebula/data"],
  ["OrientDB", "orientdb", "/orientdb/databases"],
  ["RavenDB", "ravendb", "/var/lib/ravendb/data /opt/RavenDB/Server/RavenDB"],
  [
    "EventStoreDB",
    "eventstore eventstoredb-ce eventstoredb-ee kurrentdb",
    "/var/lib/eventstore /var/lib/kurrentdb"
  ],
  ["immudb", "immudb", "/var/lib/immudb"],
  ["rqlite", "rqlite", "/rqlite/file"],
  ["Dolt", "dolt-sql-server", "/var/lib/dolt"],
  ["Aerospike", "aerospike-server aerospike-server-enterprise", "/opt/aerospike/data"],
  ["Gel", "edgedb gel", "/var/lib/edgedb/data /var/lib/gel/data"],
  ["PocketBase", "pocketbase", "/pb_data /pb/pb_data"],
  ["StarRocks", "fe-ubuntu be-ubuntu allin1-ubuntu", "/opt/starrocks/fe/meta /opt/starrocks/be/storage"],
  ["IRIS", "intersystems/iris intersystems/iris-community", "/usr/irissys /durable"],
  // Search and vectors.
  [
    "Elasticsearch",
    "elasticsearch elasticsearch-oss opensearch",
    "/usr/share/elasticsearch/data /usr/share/opensearch/data /bitnami/elasticsearch /bitnami/opensearch"
  ],
  ["Solr", "solr", "/var/solr /bitnami/solr"],
  ["Meilisearch", "meilisearch", "/meili_data"],
  ["Typesense", "typesense", "/data"],
  ["Manticore Search", "manticore", "/var/lib/manticore"],
  ["Qdrant", "qdrant", "/qdrant/storage"],
  ["Weaviate", "weaviate", "/var/lib/weaviate"],
  ["Chroma", "chromadb/chroma chroma-core/chroma", "/data /chroma/chroma"],
  // Coordination, queues and logs.
  ["etcd", "etcd", "/var/lib/etcd /var/run/etcd /bitnami/etcd /etcd-data"],
  [
    "ZooKeeper",
    "zookeeper kubernetes-zookeeper cp-zookeeper",
    "/data /datalog /var/lib/zookeeper /bitnami/zookeeper"
  ],
  [
    "Kafka",
    "kafka kafka-native cp-kafka cp-server redpanda",
    "/var/lib/kafka /bitnami/kafka /var/lib/redpanda"
  ],
  ["RabbitMQ", "rabbitmq rabbitmq-server", "/var/lib/rabbitmq /bitnami/rabbitmq"],
  ["BookKeeper", "bookkeeper", "/data/bookkeeper"],
  ["Pulsar", "pulsar pulsar-all", "/pulsar/data"],
  [
    "ActiveMQ",
    "activemq activemq-classic activemq-artemis artemis",
    "/opt/apache-activemq/data /opt/activemq/data /var/lib/artemis-instance"
  ],
  ["RocketMQ", "apache/rocketmq", "/home/rocketmq/store"],
  ["EMQX", "emqx emqx-enterprise", "/opt/emqx/data"],
  ["VerneMQ", "vernemq", "/vernemq/data"],
  ["HiveMQ", "hivemq4 hivemq-ce", "/opt/hivemq/data"],
  ["Zeebe", "zeebe", "/usr/local/zeebe/data"],
  ["NiFi", "nifi nifi-registry", "/opt/nifi/nifi-current /opt/nifi-registry"],
  // Objects, files and packages.
  ["MinIO", "minio", "/data /export /bitnami/minio"],
  ["SeaweedFS", "seaweedfs", "/data"],
  ["Garage", "garage", "/var/lib/garage"],
  ["RustFS", "rustfs", "/data"],
  ["HDFS", "hadoop-namenode hadoop-datanode", "/hadoop/dfs"],
  ["IPFS", "kubo go-ipfs", "/data/ipfs"],
  ["Nexus", "nexus3", "/nexus-data"],
  ["Artifactory", "artifactory-oss artifactory-pro artifactory-jcr artifactory-cpp-ce", "/var/opt/jfrog"],
  ["Verdaccio", "verdaccio", "/verdaccio/storage"],
  ["devpi", "devpi devpi-server", "/devpi"],
  ["pypiserver", "pypiserver", "/data/packages"],
  ["rest-server", "restic/rest-server", "/data"],
  ["Nextcloud", "nextcloud", "/var/www/html"],
  ["ownCloud", "owncloud/server ocis", "/mnt/data /var/lib/ocis /etc/ocis"],
  ["Seafile", "seafile-mc seafile-pro-mc seafile", "/shared"],
  ["Syncthing", "syncthing", "/var/syncthing"],
  ["File Browser", "filebrowser", "/database /srv"],
  ["SFTPGo", "sftpgo", "/var/lib/sftpgo /srv/sftpgo"],
  // Code and builds.
  ["Gitea", "gitea forgejo", "/data /var/lib/gitea /etc/gitea"],
  ["Gogs", "gogs", "/data"],
  ["GitLab", "gitlab-ce gitlab-ee", "/var/opt/gitlab /etc/gitlab"],
  ["Gitaly", "gitaly", "/home/git/repositories"],
  ["Gerrit", "gerritcodereview/gerrit", "/var/gerrit"],
  ["OneDev", "1dev/server", "/opt/onedev"],
  ["Jenkins", "jenkins", "/var/jenkins_home /bitnami/jenkins"],
  ["TeamCity", "teamcity-server", "/data/teamcity_server/datadir"],
  ["GoCD", "gocd-server", "/godata"],
  ["Jira", "jira-software jira-servicemanagement", "/var/atlassian/application-data/jira"],
  ["Confluence", "confluence confluence-server", "/var/atlassian/application-data/confluence"],
  ["Bitbucket", "atlassian/bitbucket bitbucket-server", "/var/atlassian/application-data/bitbucket"],
  // Names, keys and networks.
  ["Vaultwarden", "vaultwarden vaultwarden/server bitwardenrs/server", "/data"],
  ["Pi-hole", "pihole", "/etc/pihole"],
  ["AdGuard Home", "adguardhome", "/opt/adguardhome/work /opt/adguardhome/conf"],
  ["Technitium DNS", "technitium/dns-server", "/etc/dns"],
  ["wg-easy", "wg-easy", "/etc/wireguard"],
  ["WireGuard", "linuxserver/wireguard", "/config"],
  ["OpenVPN", "kylemanna/openvpn openvpn-as", "/etc/openvpn /openvpn /config"],
  ["Headscale", "headscale", "/var/lib/headscale"],
  ["ZeroTier", "zerotier/zerotier zyclonite/zerotier", "/var/lib/zerotier-one"],
  ["OpenLDAP", "openldap", "/var/lib/ldap /etc/ldap/slapd.d /bitnami/openldap"],
  ["Kanidm", "kanidm/server", "/data"],
  ["step-ca", "step-ca", "/home/step"],
  ["certbot", "certbot", "/etc/letsencrypt"],
  ["Nginx Proxy Manager", "nginx-proxy-manager", "/data /etc/letsencrypt"],
  ["CUPS", "cupsd cups", "/etc/cups"],
  ["UniFi Network", "unifi-network-application unifi-controller jacobalberty/unifi", "/config /unifi"],
  ["Omada Controller", "omada-controller", "/opt/tplink/EAPController/data"],
  ["Portainer", "portainer portainer-ce portainer-ee", "/data"],
  // Monitoring.
  ["Prometheus", "prometheus", "/prometheus /bitnami/prometheus"],
  [
    "VictoriaMetrics",
    "vmstorage victoria-metrics victoria-logs",
    "/storage /victoria-metrics-data /victoria-logs-data"
  ],
  ["Graphite", "graphite-statsd", "/opt/graphite/storage"],
  ["Checkmk", "check-mk-raw check-mk-enterprise", "/omd/sites"],
  ["Wazuh", "wazuh-manager wazuh-indexer", "/var/ossec /var/lib/wazuh-indexer"],
  ["Uptime Kuma", "uptime-kuma", "/app/data"],
  ["changedetection.io", "changedetection.io", "/datastore"],
  // Homes.
  ["Home Assistant", "home-assistant homeassistant", "/config"],
  ["ESPHome", "esphome", "/config"],
  ["Node-RED", "node-red", "/data"],
  ["Zigbee2MQTT", "zigbee2mqtt", "/app/data"],
  ["Z-Wave JS UI", "zwave-js-ui", "/usr/src/app/store"],
  ["openHAB", "openhab", "/openhab/userdata /openhab/conf"],
  ["Homebridge", "homebridge", "/homebridge"],
  ["Frigate", "frigate", "/config /media/frigate"],
  ["Scrypted", "scrypted", "/server/volume"],
  // Media.
  ["Plex", "plex pms-docker", "/config"],
  ["Jellyfin", "jellyfin", "/config"],
  ["Emby", "emby embyserver", "/config"],
  ["Sonarr", "sonarr", "/config"],
  ["Radarr", "radarr", "/config"],
  ["Lidarr", "lidarr", "/config"],
  ["Readarr", "readarr", "/config"],
  ["Prowlarr", "prowlarr", "/config"],
  ["Bazarr", "bazarr", "/config"],
  ["Jackett", "jackett", "/config"],
  ["Overseerr", "overseerr jellyseerr seerr", "/config /app/config"],
  ["Tautulli", "tautulli", "/config"],
  ["qBittorrent", "qbittorrent qbittorrent-nox", "/config"],
  ["Transmission", "transmission", "/config"],
  ["SABnzbd", "sabnzbd", "/config"],
  ["NZBGet", "nzbget", "/config"],
  ["Deluge", "deluge", "/config"],
  ["Audiobookshelf", "audiobookshelf", "/config /metadata"],
  ["Calibre-Web", "calibre-web calibre-web-automated", "/config"],
  ["Navidrome", "navidrome", "/data"],
  ["Komga", "komga", "/config"],
  ["Kavita", "kavita", "/kavita/config"],
  ["Immich", "immich-server", "/usr/src/app/upload /data"],
  ["PhotoPrism", "photoprism", "/photoprism"],
  ["Paperless-ngx", "paperless-ngx", "/usr/src/paperless/data /usr/src/paperless/media"],
  // Offices, wikis and mail.
  ["DokuWiki", "dokuwiki", "/storage /config /bitnami/dokuwiki"],
  ["XWiki", "xwiki", "/usr/local/xwiki"],
  ["Trilium", "trilium trilium/notes triliumnext/notes", "/home/node/trilium-data"],
  ["Memos", "memos", "/var/opt/memos"],
  ["Mealie", "mealie", "/app/data"],
  ["Grocy", "grocy", "/config"],
  ["FreshRSS", "freshrss", "/var/www/FreshRSS/data"],
  ["linkding", "linkding", "/etc/linkding/data"],
  ["Actual", "actual-server", "/data"],
  ["Kanboard", "kanboard", "/var/www/app/data"],
  ["Gotify", "gotify/server", "/app/data"],
  ["Odoo", "odoo", "/var/lib/odoo /bitnami/odoo"],
  ["Moodle", "moodle", "/var/www/moodledata /bitnami/moodle /bitnami/moodledata"],
  ["docker-mailserver", "docker-mailserver", "/var/mail /var/mail-state"],
  ["Stalwart", "stalwart stalwart-mail stalwartlabs/mail-server", "/opt/stalwart /opt/stalwart-mail"],
  // Models.
  ["Open WebUI", "open-webui", "/app/backend/data"],
  ["AnythingLLM", "anythingllm", "/app/server/storage"],
  // Games and chains.
  ["Minecraft", "minecraft-server minecraft-bedrock-server", "/data"],
  ["Factorio", "factoriotools/factorio", "/factorio"],
  ["Valheim", "valheim-server", "/config"],
  ["Geth", "ethereum/client-go", "/root/.ethereum"]
]

/** They may be meant to hold what may be lost, to keep it elsewhere, or to be one's client beside its server. */
export const forgetting: ReadonlyArray<Row> = [
  ["Consul", "consul consul-enterprise", "/consul/data /bitnami/consul"],
  ["Vault", "vault vault-enterprise openbao", "/vault/data /vault/file /openbao/data"],
  ["Hazelcast", "hazelcast hazelcast-enterprise", ""],
  ["Ignite", "ignite gridgain", "/persistence"],
  ["NATS", "nats nats-server nats-streaming", "/data"],
  [
    "Redis",
    "redis redis-cluster redis-stack redis-stack-server redis-photon valkey valkey-photon valkey-cluster keydb dragonfly kvrocks",
    "/data /bitnami/redis /bitnami/valkey /var/lib/redis"
  ],
  ["Mosquitto", "eclipse-mosquitto", "/mosquitto/data"],
  ["SurrealDB", "surrealdb", "/data"],
  ["SeaweedFS filer", "", "/data"],
  ["Traefik", "traefik", "/data /letsencrypt /acme"],
  ["Loki", "loki", "/loki /var/loki"],
  ["Mimir", "mimir", "/data"],
  ["Cortex", "cortex", "/data"],
  ["Tempo", "tempo", "/var/tempo"],
  ["Pyroscope", "pyroscope", "/data /var/lib/pyroscope"],
  [
    "Thanos",
    "thanos",
    "/var/thanos /var/thanos/store /var/thanos/receive /var/thanos/compact /var/thanos/rule /data"
  ],
  ["Alertmanager", "alertmanager", "/alertmanager /bitnami/alertmanager"],
  ["Grafana", "grafana grafana-oss grafana-enterprise", "/var/lib/grafana /opt/bitnami/grafana/data"],
  ["Jaeger", "jaegertracing/all-in-one jaegertracing/jaeger", "/badger"],
  ["OpenObserve", "openobserve openobserve-enterprise", "/data"],
  ["Quickwit", "quickwit", "/quickwit/qwdata"],
  ["Milvus", "milvus", "/var/lib/milvus"],
  ["Ollama", "ollama", "/root/.ollama"],
  ["Registry", "registry registry-photon", "/var/lib/registry /storage"],
  ["ChartMuseum", "chartmuseum", "/storage"],
  ["SonarQube", "sonarqube", "/opt/sonarqube/data /opt/sonarqube/extensions"],
  ["Drone", "drone/drone", "/data"],
  ["Woodpecker", "woodpecker-server", "/var/lib/woodpecker"],
  ["n8n", "n8n", "/home/node/.n8n"],
  ["Flowise", "flowise", "/root/.flowise"],
  ["Nacos", "nacos-server", "/home/nacos/data"],
  ["WordPress", "wordpress", "/var/www/html /bitnami/wordpress"],
  ["Ghost", "ghost", "/var/lib/ghost/content /bitnami/ghost"],
  ["Drupal", "drupal", "/var/www/html/sites /bitnami/drupal"],
  ["Matomo", "matomo", "/var/www/html /bitnami/matomo"],
  ["MediaWiki", "mediawiki", "/var/www/html/images /bitnami/mediawiki"],
  ["Redmine", "redmine", "/usr/src/redmine/files /bitnami/redmine"],
  ["BookStack", "bookstack", "/config"],
  ["Mattermost", "mattermost-team-edition mattermost-enterprise-edition", "/mattermost/data"],
  ["Vikunja", "vikunja", "/app/vikunja/files /db"],
  ["Authelia", "authelia", "/config"],
  ["LLDAP", "lldap", "/data"],
  ["ntfy", "binwiederhier/ntfy", "/var/cache/ntfy /var/lib/ntfy"],
  ["CrowdSec", "crowdsec", "/var/lib/crowdsec/data /etc/crowdsec"],
  ["PowerDNS", "pdns-auth-49 pdns-auth-50 pdns-auth-48 pdns-auth-master", "/var/lib/powerdns"],
  ["LocalStack", "localstack localstack-pro", "/var/lib/localstack"],
  ["ERPNext", "erpnext", "/home/frappe/frappe-bench/sites"],
  ["Vespa", "vespaengine/vespa", "/opt/vespa/var"],
  ["Tarantool", "tarantool", "/var/lib/tarantool"],
  ["FoundationDB", "foundationdb", "/var/fdb"]
]

/**
 * Images that declare volumes of their own (`VOLUME` in their Dockerfile) for directories that a claim may be
 * mounted above. A name alone is an official image; of others the owner tells.
 */
export const declaring: ReadonlyArray<readonly [images: string, volumes: string]> = [
  ["mysql mariadb", "/var/lib/mysql"],
  ["mongo", "/data/db /data/configdb"],
  ["cassandra", "/var/lib/cassandra"],
  ["couchdb apache/couchdb", "/opt/couchdb/data"],
  ["rabbitmq", "/var/lib/rabbitmq"],
  ["registry", "/var/lib/registry"],
  ["nextcloud wordpress", "/var/www/html"],
  ["ghost", "/var/lib/ghost/content"]
]

/** From PostgreSQL 18 on they declare the directory above, and a claim at that is right. */
export const declaringBefore18 = {
  images: "postgres postgis/postgis pgvector/pgvector timescale/timescaledb",
  volume: "/var/lib/postgresql/data"
}

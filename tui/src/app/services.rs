//! The Services screen: team, service and filter as a tree, read-only but for adding.

use std::collections::BTreeSet;
use std::sync::Arc;

use tollgate_shared::api::{FilterView, ServiceView, TeamView};

use super::cursor::Cursor;

/// One line of the tree.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    Team(Arc<TeamView>),
    Service(Arc<ServiceView>),
    Filter(Arc<FilterView>),
}

impl Node {
    /// The id as text, unique over all kinds.
    #[must_use]
    pub fn id(&self) -> String {
        match self {
            Self::Team(team) => team.id.to_string(),
            Self::Service(service) => service.id.to_string(),
            Self::Filter(filter) => filter.id.to_string(),
        }
    }

    /// `Ops`, `Ops/DB`, `Ops/DB/disk`: what the command line takes.
    #[must_use]
    pub fn full_name(&self) -> String {
        match self {
            Self::Team(team) => team.name.clone(),
            Self::Service(service) => format!("{}/{}", service.team.name, service.name),
            Self::Filter(filter) => format!("{}/{}", filter.service.name, filter.spec.name),
        }
    }

    /// The word for its kind, as in the commands.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Team(_) => "team",
            Self::Service(_) => "service",
            Self::Filter(_) => "filter",
        }
    }

    /// False for what is switched off; a team has no switch.
    #[must_use]
    pub fn is_on(&self) -> bool {
        match self {
            Self::Team(_) => true,
            Self::Service(service) => service.enabled,
            Self::Filter(filter) => filter.spec.enabled,
        }
    }

    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Team(team) => &team.name,
            Self::Service(service) => &service.name,
            Self::Filter(filter) => &filter.spec.name,
        }
    }
}

/// The screen.
#[derive(Clone, Debug, Default)]
pub struct Services {
    pub teams: Vec<Arc<TeamView>>,
    pub services: Vec<Arc<ServiceView>>,
    pub filters: Vec<Arc<FilterView>>,
    pub presets: Vec<String>,
    /// The lines of the tree that are not folded away.
    pub nodes: Vec<Node>,
    folded: BTreeSet<String>,
    pub cursor: Cursor<String>,
    pub search: String,
    pub loaded: bool,
}

impl Services {
    pub fn replace(&mut self, teams: Vec<TeamView>, services: Vec<ServiceView>, filters: Vec<Arc<FilterView>>) {
        self.teams = teams.into_iter().map(Arc::new).collect();
        self.services = services.into_iter().map(Arc::new).collect();
        self.filters = filters;
        self.loaded = true;
        self.forget_folds();
        self.rebuild();
    }

    /// The branches that are closed, by id.
    #[must_use]
    pub const fn folded(&self) -> &BTreeSet<String> {
        &self.folded
    }

    /// Closes these branches and opens all others, before anything is there.
    pub fn set_folded(&mut self, folded: BTreeSet<String>) {
        self.folded = folded;
    }

    /// Adds what was just created, so that the next form can name it before the refresh has come.
    pub fn add_team(&mut self, team: TeamView) {
        self.teams.push(Arc::new(team));
        self.rebuild();
    }

    /// As [`Services::add_team`].
    pub fn add_service(&mut self, service: ServiceView) {
        self.services.retain(|own| own.id != service.id);
        self.services.push(Arc::new(service));
        self.rebuild();
    }

    /// As [`Services::add_team`].
    pub fn add_filter(&mut self, filter: FilterView) {
        let filter = Arc::new(filter);
        match self.filters.iter_mut().find(|own| own.id == filter.id) {
            Some(own) => *own = filter,
            None => self.filters.push(filter),
        }
        self.rebuild();
    }

    /// Opens or closes the marked branch.
    pub fn fold(&mut self) {
        let Some(node) = self.selected() else { return };
        let id = node.id();
        if matches!(node, Node::Filter(_)) {
            return;
        }
        if !self.folded.remove(&id) {
            self.folded.insert(id);
        }
        self.rebuild();
    }

    /// Opens the branches that hide a team, service or filter.
    pub fn unfold(&mut self, id: &str) {
        let filter = self.filters.iter().find(|filter| filter.id.to_string() == id);
        let service = filter.map_or_else(|| id.to_owned(), |filter| filter.service.id.clone());
        let team = self.services.iter().find(|one| one.id.to_string() == service).map(|one| one.team.id.clone());
        // The thing itself stays as it is: only what is above it is opened.
        if filter.is_some() {
            self.folded.remove(&service);
        }
        team.iter().for_each(|team| drop(self.folded.take(team)));
        self.rebuild();
    }

    #[must_use]
    pub fn is_folded(&self, node: &Node) -> bool {
        self.folded.contains(&node.id())
    }

    #[must_use]
    pub fn selected(&self) -> Option<&Node> {
        self.nodes.get(self.cursor.index)
    }

    /// The team of the marked line.
    #[must_use]
    pub fn selected_team(&self) -> Option<&Arc<TeamView>> {
        let id = match self.selected()? {
            Node::Team(team) => team.id.to_string(),
            Node::Service(service) => service.team.id.clone(),
            Node::Filter(filter) => self.service_of(filter)?.team.id.clone(),
        };
        self.teams.iter().find(|team| team.id.to_string() == id)
    }

    /// The service of the marked line.
    #[must_use]
    pub fn selected_service(&self) -> Option<&Arc<ServiceView>> {
        match self.selected()? {
            Node::Team(_) => None,
            Node::Service(service) => Some(service),
            Node::Filter(filter) => self.service_of(filter),
        }
    }

    pub fn step(&mut self, by: isize) {
        let nodes = &self.nodes;
        self.cursor.step(by, nodes.len(), |at| nodes[at].id());
    }

    pub fn go(&mut self, index: usize) {
        let nodes = &self.nodes;
        self.cursor.go(index, nodes.len(), |at| nodes[at].id());
    }

    #[must_use]
    pub fn find(&self, forward: bool, from_here: bool) -> Option<usize> {
        let (text, len) = (self.search.to_lowercase(), self.nodes.len());
        if text.is_empty() || len == 0 {
            return None;
        }
        let first = usize::from(!from_here);
        let place = |offset| {
            if forward { (self.cursor.index + offset) % len } else { (self.cursor.index + len - offset % len) % len }
        };
        (first..len + first).map(place).find(|at| self.nodes[*at].name().to_lowercase().contains(&text))
    }

    fn service_of(&self, filter: &FilterView) -> Option<&Arc<ServiceView>> {
        self.services.iter().find(|service| service.id.to_string() == filter.service.id)
    }

    /// What is gone is not closed any more.
    fn forget_folds(&mut self) {
        let (teams, services) = (&self.teams, &self.services);
        let ids = teams.iter().map(|team| team.id.to_string()).chain(services.iter().map(|one| one.id.to_string()));
        let here: BTreeSet<String> = ids.filter(|id| self.folded.contains(id)).collect();
        self.folded = here;
    }

    fn rebuild(&mut self) {
        let mut nodes = Vec::with_capacity(self.teams.len() + self.services.len() + self.filters.len());
        for team in &self.teams {
            let id = team.id.to_string();
            let open = !self.folded.contains(&id);
            nodes.push(Node::Team(Arc::clone(team)));
            for service in self.services.iter().filter(|service| open && service.team.id == id) {
                self.push_service(service, &mut nodes);
            }
        }
        self.nodes = nodes;
        let nodes = &self.nodes;
        self.cursor.relocate(nodes.len(), |at| nodes[at].id());
    }

    fn push_service(&self, service: &Arc<ServiceView>, nodes: &mut Vec<Node>) {
        let id = service.id.to_string();
        nodes.push(Node::Service(Arc::clone(service)));
        if !self.folded.contains(&id) {
            let filters = self.filters.iter().filter(|filter| filter.service.id == id);
            nodes.extend(filters.map(|filter| Node::Filter(Arc::clone(filter))));
        }
    }
}
